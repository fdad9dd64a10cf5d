//! The picture at the top of `docs/PERFORMANCE.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::chart::{Chart, Series};

const WIDTH: f64 = 760.0;
const LABELS: f64 = 330.0;
/// The width of the longest bar; the rest is for its figure.
const BARS: f64 = 340.0;
const ROW: f64 = 24.0;
const TITLE: f64 = 40.0;

/// Colours for light and dark pages.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#24292f}\
.title{font-weight:600}\
.ours{fill:#0969da}.theirs{fill:#afb8c1}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#58a6ff}.theirs{fill:#57606a}}";

/// Draws the charts as bars below one another, in SVG.
pub(crate) fn picture(charts: &BTreeMap<Chart, Series>) -> String {
    let mut body = String::new();
    let mut y = 0.0;
    for (chart, series) in charts {
        y += TITLE;
        let _ = writeln!(
            body,
            "<text class=\"title\" x=\"8\" y=\"{}\">{}</text>",
            y - 12.0,
            escape(chart.title())
        );
        let most = series.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        for (label, value) in series {
            let length = if most > 0.0 { value / most * BARS } else { 0.0 };
            let class = if label.starts_with("tokenfleet") || *chart == Chart::Growth {
                "ours"
            } else {
                "theirs"
            };
            let (label, unit) = (escape(label), chart.unit());
            let (middle, end, figure) = (y + 15.0, LABELS - 10.0, LABELS + length + 8.0);
            let _ = writeln!(
                body,
                "<text x=\"{end}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>\
                 <rect class=\"{class}\" x=\"{LABELS}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" rx=\"2\"/>\
                 <text x=\"{figure:.1}\" y=\"{middle}\">{} {unit}</text>",
                y + 3.0,
                ROW - 7.0,
                number(*value),
            );
            y += ROW;
        }
    }
    let height = y + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Returns a number with three significant digits.
fn number(value: f64) -> String {
    let decimals = if value < 1.0 {
        3
    } else if value < 10.0 {
        2
    } else {
        1
    };
    format!("{value:.decimals$}")
}

fn escape(text: &str) -> String {
    text.replace('`', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width_and_texts_are_escaped() {
        let series = vec![("tokenfleet".to_owned(), 0.5), ("a < `b`".to_owned(), 2.0)];
        let drawn = picture(&BTreeMap::from([(Chart::Clients, series)]));
        assert!(drawn.contains(">a &lt; b</text>"), "{drawn}");
        let widths = drawn.matches("width=\"340.0\"").count();
        assert_eq!((widths, drawn.matches("width=\"85.0\"").count()), (1, 1));
        assert_eq!(drawn.matches("class=\"ours\"").count(), 1);
    }
}
