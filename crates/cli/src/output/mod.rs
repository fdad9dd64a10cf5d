//! Output in the requested format, and messages on standard error.

mod annotation;
mod author;
mod changes;
mod color;
mod columns;
mod compared;
mod csv;
mod escaped_json;
mod findings;
mod format;
mod json;
mod junit;
mod listing;
mod messages;
mod prose;
mod relative_time;
mod results;
mod screen;
mod standard_output;
mod streams;
mod table;
mod text;
mod token_json;
mod verdicts;
mod wiped;

pub(crate) use self::annotation::without_annotations;
pub(crate) use self::author::Author;
pub(crate) use self::changes::{
    ChangeCounts, Changes, ComparedAccount, FieldChange, UnknownTokens, change_word,
    describe_author, describe_beginning, describe_change, describe_end, had_expired,
};
pub(crate) use self::color::{Color, colors_stderr, colors_stdout};
pub(crate) use self::columns::Column;
pub(crate) use self::compared::Compared;
pub(crate) use self::csv::Rows as CsvRows;
pub(crate) use self::findings::{CheckSummary, FindingsReport, NotJudged, Total, WaivedFinding};
pub(crate) use self::format::Format;
pub(crate) use self::json::TokenObject;
pub(crate) use self::junit::junit;
pub(crate) use self::listing::ListingWriter;
pub(crate) use self::messages::{for_stderr, print_error, print_note, print_object, print_warning};
pub(crate) use self::results::Results;
pub(crate) use self::standard_output::Output;
pub(crate) use self::streams::is_discarded;
pub(crate) use self::text::{displayed_id, escape, needs_escape, redact};
