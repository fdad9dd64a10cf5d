use proptest::prelude::*;

use super::text::HEADING;
use super::*;
use crate::model::{Principal, TokenState};
use crate::provider::CreateCapability;

fn planned() -> impl Strategy<Value = PlannedToken> {
    let name = prop_oneof![
        Just(Fact::NotReported),
        Just(Fact::Absent),
        "(.|\n|\"|\\\\){0,9}".prop_map(Fact::Known),
    ];
    let created_at = prop::option::of(0..4_000_000_000_i64)
        .prop_map(|at| Fact::from_optional(at.and_then(Timestamp::from_unix_seconds)));
    let planned = (".{1,9}", name, any::<bool>(), created_at);
    planned.prop_map(|(id, name, is_unreadable, created_at)| PlannedToken {
        id: TokenId::new(id),
        name_is_unreadable: is_unreadable && name.known().is_some(),
        name,
        created_at,
    })
}

proptest! {
    #[test]
    fn a_plan_round_trips_through_its_text(
        names in (".{1,9}", ".{1,9}"),
        place in prop::option::of("(.|\n){0,9}"),
        owner in prop::option::of(".{1,9}"),
        tokens in prop::collection::vec(planned(), 0..9),
        last in prop::option::of(".{1,9}"),
    ) {
        let mut account = Account::new(&names.0, &names.1);
        if let Some(place) = place {
            account = account.with_place(&place);
        }
        let firsts: HashSet<_> = tokens.iter().step_by(3).map(|token| token.id.clone()).collect();
        let mut plan = RevocationPlan::new(&account, tokens);
        plan = plan.with_first(|id| firsts.contains(id));
        plan.owner = owner;
        if let Some(last) = last {
            plan = plan.with_acting_last(TokenId::new(last));
        }
        prop_assert_eq!(plan.to_string().parse::<RevocationPlan>().unwrap(), plan);
    }

    #[test]
    fn comments_are_ignored(
        ids in prop::collection::vec(".{1,9}", 0..9),
        comment in "[ -~à-ÿ]{0,20}",
    ) {
        let ids = ids.into_iter().map(TokenId::new);
        let plan = RevocationPlan::from_ids(&Account::new("a", "b"), ids);
        let text = plan.to_string();
        let (heading, rest) = text.split_once('\n').unwrap();
        let rest = rest.replace('\n', &format!(" # {comment}\n"));
        let commented = format!("{heading}\n{rest}");
        prop_assert_eq!(commented.parse::<RevocationPlan>().unwrap(), plan);
    }

    #[test]
    fn an_id_is_accepted_in_one_spelling_only(id in "[!-~]{1,9}") {
        let text = format!("{HEADING}\naccount a b\nrevoke {id}\n");
        if let Ok(plan) = text.parse::<RevocationPlan>() {
            let written = plan.to_string();
            prop_assert_eq!(written.lines().last(), Some(&*format!("revoke {id}")));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in "(tokenfleet revocations 2\n)?(account a b\n)?(revoke |name |\"|.|\n){0,60}",
    ) {
        let _ = text.parse::<RevocationPlan>();
    }
}

#[test]
fn a_text_that_displays_differently_from_what_it_means_is_rejected() {
    let parse = |lines: &str| format!("{HEADING}\naccount a b\n{lines}").parse::<RevocationPlan>();
    assert!(parse("revoke 12\t# ci\r\n# 13\r\n#14").is_ok());
    for lines in [
        "revoke 12#34",
        "revoke 12 #\rrevoke 13  # ci",
        "revoke 12 # \u{1b}[1A\u{1b}[2K",
        "revoke 12 # ci\u{2028}revoke 13",
        "revoke 1\u{8}2",
        "revoke 1\u{200b}2",
        "revoke %31%32",
        "revoke 12 name \"\u{202e}ic\"",
        "revoke 12 name \"ci\u{200b}\"",
        "revoke 12 name \"ci\" name \"cd\"",
        "revoke 12 name \"ci",
        "revoke 12 name \"ci\"13",
        "revoke 12 name ci",
        "revoke 12 name \"ci\" readable",
        "revoke 12 unnamed unreadable",
        "revoke 12 created yesterday",
        "revoke 12\nplace \"elsewhere\"",
        "last 12\nrevoke 13",
        "last 12\nlast 13",
    ] {
        let error = parse(lines).unwrap_err().to_string();
        let number = 2 + lines.lines().count();
        assert!(
            error.starts_with(&format!("line {number} of the plan ")),
            "{lines:?}: {error}"
        );
    }
}

#[test]
fn a_name_is_written_so_that_nothing_in_it_is_hidden() {
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    token.name = Fact::Known("a\"#\u{202e}b\n\u{200b}é#".to_owned());
    let plan = RevocationPlan::from_tokens(&Account::new("a", "b"), [&token]);
    let text = plan.to_string();
    assert!(
        text.ends_with("\nrevoke 1 name \"a\\\"#\\u{202e}b\\n\\u{200b}é#\"\n"),
        "{text}"
    );
    assert_eq!(text.parse::<RevocationPlan>().unwrap(), plan);
}

#[test]
fn a_byte_order_mark_that_an_editor_added_is_skipped() {
    let text = "\u{feff}tokenfleet revocations 2\r\naccount a b\r\nrevoke 1\r\n";
    let plan = text.parse::<RevocationPlan>().unwrap();
    assert_eq!(plan.tokens().count(), 1);
    let old = "\u{feff}tokenfleet revocations 1\naccount a b\nrevoke 1\n";
    let error = old.parse::<RevocationPlan>().unwrap_err().to_string();
    assert!(error.contains("another version"), "{error}");
}

#[test]
fn a_plan_of_the_first_version_is_refused_with_words() {
    let text = "tokenfleet revocations 1\naccount a b\nrevoke 1\n";
    let error = text.parse::<RevocationPlan>().unwrap_err().to_string();
    assert!(error.contains("another version"), "{error}");
}

fn named(name: Fact<String>) -> Token {
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    token.name = name;
    token
}

#[test]
fn a_plan_names_the_owner_that_all_known_owners_are() {
    let owned = |owner: Fact<&str>| {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.owner = owner.map(Principal::new);
        token
    };
    let unreadable = || owned(Fact::NotReported);
    let (alice, bob) = (|| owned(Fact::Known("alice")), || owned(Fact::Known("bob")));
    for (tokens, expected) in [
        (vec![alice(), unreadable(), alice()], Some("alice")),
        (vec![unreadable(), alice()], Some("alice")),
        (vec![alice(), unreadable(), bob()], None),
        (vec![unreadable()], None),
        (vec![], None),
    ] {
        let plan = RevocationPlan::from_tokens(&Account::new("a", "b"), &tokens);
        assert_eq!(plan.owner.as_deref(), expected, "{tokens:?}");
    }
}

#[test]
fn a_name_that_cannot_be_read_is_not_the_reviewed_one() {
    let name = || Fact::Known("ci \\ud83d".to_owned());
    let readable = named(name());
    let mut unreadable = named(name());
    unreadable.attributes.mark_unreadable("name");
    for (reviewed, now) in [(&readable, &unreadable), (&unreadable, &readable)] {
        let plan = RevocationPlan::from_tokens(&Account::new("a", "b"), [reviewed]);
        let plan = plan.to_string().parse::<RevocationPlan>().unwrap();
        assert_eq!(plan.tokens[0].difference(reviewed), None, "{plan}");
        let difference = plan.tokens[0].difference(now).unwrap();
        assert!(difference.contains("cannot be read"), "{difference}");
    }
}

#[test]
fn a_name_that_is_not_reported_is_told_from_none() {
    let planned = PlannedToken::from_token(&named(Fact::Absent));
    let difference = planned.difference(&named(Fact::NotReported)).unwrap();
    assert_eq!(
        difference,
        "does not report its name, and the one in the plan has no name"
    );
}

#[test]
fn a_plan_holds_each_token_to_what_was_seen_under_its_own_id() {
    let ids = ["1", "2"].map(TokenId::new);
    let plan = RevocationPlan::from_ids(&Account::new("a", "b"), ids);
    let plan = plan.with_acting_last(TokenId::new("3"));
    let seen = ["3", "2", "4"].map(|id| {
        let mut token = Token::new(TokenId::new(id), TokenState::Active);
        token.name = Fact::Known(format!("token {id}"));
        token
    });
    let plan = plan.with_seen(&seen);
    let planned = plan.planned();
    let planned: Vec<_> = planned
        .map(|token| (token.id.as_str(), token.name.known()))
        .collect();
    let name = |id: &str| format!("token {id}");
    let expected = [
        ("1", None),
        ("2", Some(&name("2"))),
        ("3", Some(&name("3"))),
    ];
    assert_eq!(planned, expected);
}

#[test]
fn a_token_is_shown_by_now_once_it_is_older_than_the_delay_and_what_clocks_differ() {
    let now = Timestamp::now().unix_seconds();
    let minute = Duration::from_secs(60);
    let created = |seconds: i64| {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.created_at = Fact::from_optional(Timestamp::from_unix_seconds(now - seconds));
        PlannedToken::from_token(&token)
    };
    assert!(created(3_600).is_shown_by_now(Some(minute)));
    for unsure in [
        created(30),
        created(-3_600),
        PlannedToken::from_id(TokenId::new("1")),
    ] {
        assert!(!unsure.is_shown_by_now(Some(minute)), "{unsure:?}");
        assert!(unsure.is_shown_by_now(None), "nothing is delayed");
    }
}

#[test]
fn a_name_that_another_token_can_get_identifies_none() {
    let names = |unique: bool| {
        let create = CreateCapability::new().with_required_name();
        Capabilities::none().with_create(if unique {
            create.with_unique_names()
        } else {
            create
        })
    };
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    token.name = Fact::Known("ci".to_owned());
    assert!(PlannedToken::from_token(&token).is_identified(&names(true)));
    assert!(!PlannedToken::from_token(&token).is_identified(&names(false)));
    for (created_at, is_identified) in [
        ("2030-01-01T12:34:56Z", true),
        // Another token of the same day looks the same.
        ("2030-01-01T00:00:00Z", false),
    ] {
        token.created_at = Fact::Known(created_at.parse().unwrap());
        let planned = PlannedToken::from_token(&token);
        assert_eq!(planned.is_identified(&names(false)), is_identified);
    }
}

#[test]
fn the_plans_of_several_accounts_are_read_from_one_text_and_errors_name_the_line_in_it() {
    let plan = |name: &str, ids: &[&str]| {
        let ids = ids.iter().copied().map(TokenId::new);
        RevocationPlan::from_ids(&Account::new("losant", name).with_place("here"), ids)
    };
    let plans = [plan("a", &["1", "2"]), plan("b", &[]), plan("c", &["3"])];
    let text = plans.each_ref().map(ToString::to_string).concat();
    assert_eq!(RevocationPlan::parse_all(&text).unwrap(), plans);
    let text = plans.each_ref().map(ToString::to_string).join("\n# next\n");
    assert_eq!(RevocationPlan::parse_all(&text).unwrap(), plans);
    assert!(text.parse::<RevocationPlan>().is_err());
    assert_eq!(
        RevocationPlan::parse_all(&plans[0].to_string()).unwrap(),
        plans[..1]
    );

    let without_heading = text.replacen(&format!("# next\n{HEADING}\n"), "", 1);
    for (text, part) in [
        (format!("{}{}", plans[0], plans[0]), "twice"),
        (format!("{}kill 3\n", plans[0]), "line 6 "),
        (format!("{}{}kill 3\n", plans[0], plans[2]), "line 10 "),
        (without_heading, "line 7 "),
        (
            format!("{}{HEADING}\n", plans[0]),
            "does not name its account",
        ),
        (
            format!("{}tokenfleet revocations 1\n", plans[0]),
            "another version",
        ),
        (String::new(), "must start with"),
    ] {
        let error = RevocationPlan::parse_all(&text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}\n{error}");
    }
}

#[test]
fn a_token_is_shared_only_if_nothing_tells_it_from_the_other_one() {
    let account = |name| Account::new("p", name).with_place("https://p.example/me/tokens");
    let token = |owner: Option<&str>, created_at: Option<&str>| {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.name = Fact::Known("ci".to_owned());
        token.owner = Fact::from_optional(owner.map(Principal::new));
        token.created_at = Fact::from_optional(created_at.map(|at| at.parse().unwrap()));
        token
    };
    let (early, late) = (Some("2026-01-02T03:04:05Z"), Some("2026-01-02T03:04:06Z"));
    let day = Some("2026-01-02T00:00:00Z");
    for (first, second, is_shared) in [
        (token(Some("u"), early), token(Some("u"), early), true),
        (token(Some("u"), None), token(Some("u"), None), true),
        (token(None, early), token(None, early), true),
        (token(None, day), token(None, day), false),
        (token(None, None), token(None, None), false),
        (token(Some("u"), early), token(Some("v"), early), false),
        (token(Some("u"), early), token(Some("u"), late), false),
    ] {
        let first = RevocationPlan::from_tokens(&account("a"), [&first]);
        let second = RevocationPlan::from_tokens(&account("b"), [&second]);
        let shared = second.shared_tokens(&first);
        assert_eq!(!shared.is_empty(), is_shared, "{first}{second}");
    }
    let first = token(Some("u"), early);
    for place in [None, Some("https://q.example/me/tokens")] {
        let elsewhere = Account::new("p", "b");
        let elsewhere = match place {
            Some(place) => elsewhere.with_place(place),
            None => elsewhere,
        };
        let elsewhere = RevocationPlan::from_tokens(&elsewhere, [&first]);
        let here = RevocationPlan::from_tokens(&account("a"), [&first]);
        assert!(elsewhere.shared_tokens(&here).is_empty(), "{elsewhere}");
        assert!(elsewhere.shared_tokens(&elsewhere).is_empty() == place.is_none());
    }
}
