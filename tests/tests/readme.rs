//! The capability table of the README matches what the adapters declare.

use std::path::Path;

use tokenfleet_cloudsmith as cloudsmith;
use tokenfleet_core::capability::{ArgumentSupport, FilterCapability, TokenField};
use tokenfleet_core::{Capabilities, Operation, RevocationEffect, SortKey};
use tokenfleet_foreman::Release;

const BEGIN: &str = "<!-- capabilities -->\n";
const END: &str = "<!-- /capabilities -->";

/// Returns the text of a row for one platform.
type Cell = fn(&Capabilities) -> String;

fn list(capabilities: &Capabilities) -> String {
    yes_or_dash(capabilities.list.is_some())
}

fn orders(capabilities: &Capabilities) -> String {
    let Some(list) = &capabilities.list else {
        return "—".into();
    };
    let keys: Vec<_> = SortKey::ALL
        .into_iter()
        .filter(|key| list.order(*key).is_some())
        .map(SortKey::as_str)
        .collect();
    if keys.is_empty() {
        "client-side".into()
    } else {
        format!("{}; others client-side", keys.join(", "))
    }
}

fn filters(capabilities: &Capabilities) -> String {
    let Some(list) = &capabilities.list else {
        return "—".into();
    };
    let FilterCapability {
        name_exact,
        name_pattern,
        states,
        combinations,
        ..
    } = &list.filters;
    let mut kinds = Vec::new();
    if *name_exact || *name_pattern {
        kinds.push("name");
    }
    if !states.is_empty() {
        kinds.push("state");
    }
    if *combinations {
        kinds.push("combined");
    }
    if kinds.is_empty() {
        "client-side".into()
    } else {
        format!("{}; others client-side", kinds.join(", "))
    }
}

fn create(capabilities: &Capabilities) -> String {
    let Some(create) = &capabilities.create else {
        return "—".into();
    };
    let mut arguments = Vec::new();
    if create.name != ArgumentSupport::Unsupported {
        arguments.push(if create.unique_names {
            "unique name"
        } else {
            "name"
        });
    }
    for (supported, argument) in [
        (create.description, "description"),
        (create.expiry, "expiry"),
        (create.scopes, "scopes"),
        (create.suspended, "suspended"),
    ] {
        arguments.extend(supported.then_some(argument));
    }
    let mut text = if arguments.is_empty() {
        "no arguments".into()
    } else {
        arguments.join(", ")
    };
    if let Some(maximum) = create.max_tokens {
        text.push_str(&format!("; at most {maximum}"));
    }
    text
}

fn update(capabilities: &Capabilities) -> String {
    let Some(update) = &capabilities.update else {
        return "—".into();
    };
    let parts = [
        (update.name, "name"),
        (update.description, "description"),
        (update.suspension, "suspend and resume"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|part| part.0)
        .map(|part| part.1)
        .collect();
    parts.join(", ")
}

fn renew(capabilities: &Capabilities) -> String {
    capabilities.renew.as_ref().map_or("—".into(), |renew| {
        let times = renew
            .max_renewals
            .map_or(String::new(), |times| format!(", at most {times} times"));
        format!("by {} h{times}", renew.extension.as_secs() / 3600)
    })
}

fn revoke(capabilities: &Capabilities) -> String {
    capabilities.revoke.as_ref().map_or("—".into(), |revoke| {
        let by = if revoke.by_id { "by id" } else { "by secret" };
        let effect = match revoke.effect {
            RevocationEffect::Deleted => "deletes",
            RevocationEffect::Marked => "marks",
            RevocationEffect::Replaced => "replaces, with consent",
            _ => "?",
        };
        format!("{effect}, {by}")
    })
}

fn yes_or_dash(supported: bool) -> String {
    if supported {
        "yes".into()
    } else {
        "—".into()
    }
}

fn table() -> String {
    let user = cloudsmith::Resource::User;
    let organization = cloudsmith::Resource::Organization("acme".into());
    let platforms = [
        ("Losant", tokenfleet_losant::capabilities()),
        (
            "Foreman",
            tokenfleet_foreman::capabilities(Release::new(3, 9)),
        ),
        ("Cloudsmith", cloudsmith::capabilities(&user)),
        (
            "Cloudsmith, service accounts",
            cloudsmith::capabilities(&organization),
        ),
        ("Mindbody", tokenfleet_mindbody::capabilities()),
    ];
    let rows: [(&str, Cell); 14] = [
        ("list", list),
        ("order by", orders),
        ("filter by", filters),
        ("get one", |c| yes_or_dash(c.supports(Operation::Get))),
        ("create with", create),
        ("update", update),
        ("rotate in place", |c| yes_or_dash(c.rotate)),
        ("renew", renew),
        ("revoke", revoke),
        ("verify a secret", |c| yes_or_dash(c.verify)),
        ("says whom it acts as", |c| yes_or_dash(c.whoami)),
        ("reports expiry", |c| {
            yes_or_dash(c.reported_fields.contains(&TokenField::Expiry))
        }),
        ("reports last use", |c| {
            yes_or_dash(c.reported_fields.contains(&TokenField::LastUsed))
        }),
        ("reports owner", |c| {
            yes_or_dash(c.reported_fields.contains(&TokenField::Owner))
        }),
    ];
    let mut table = String::from("|");
    for (name, _) in &platforms {
        table.push_str(&format!(" | {name}"));
    }
    table.push_str(" |\n| --- | --- | --- | --- | --- | --- |\n");
    for (label, cell) in rows {
        let cells: Vec<_> = platforms
            .iter()
            .map(|(_, capabilities)| cell(capabilities))
            .collect();
        table.push_str(&format!("| {label} | {} |\n", cells.join(" | ")));
    }
    table
}

/// Compares the table with the README, or rewrites it there if `TOKENFLEET_WRITE=1` is set.
#[test]
fn the_readme_table_matches_the_declared_capabilities() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (current, after) = rest.split_once(END).unwrap();
    let declared = format!("\n{}\n", table());
    if std::env::var_os("TOKENFLEET_WRITE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{declared}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            current, declared,
            "the table is out of date; run \
             TOKENFLEET_WRITE=1 cargo test -p tokenfleet-tests --test readme"
        );
    }
}
