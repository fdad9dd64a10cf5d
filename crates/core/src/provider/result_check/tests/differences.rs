//! New tokens that differ from their requests in a harmless way.

use super::{ID, SECRET, Scripted};
use crate::model::{Attribute, Fact, Scopes, Token, TokenId, TokenState};
use crate::provider::CreateToken;

#[test]
fn a_new_token_that_differs_harmlessly_keeps_its_secret() {
    let request = CreateToken::new(" ci ").with_scope("a").with_scope("b");
    let adapter = Scripted::new(|token| {
        token.scopes = Fact::Known(Scopes::from(vec!["a".to_owned()]));
        token.state = TokenState::Suspended;
    });
    let issued = adapter.create(request.clone()).unwrap();
    assert_eq!(issued.secret.expose(), SECRET);
    assert_eq!(
        request.differences(&issued.token),
        ["name", "scopes", "state"]
    );
    assert!(adapter.revoked().is_empty());
    let silent = Scripted::new(|token| token.name = Fact::NotReported);
    let request = CreateToken::new("ci")
        .with_expiry("2030-01-01T00:00:00Z".parse().unwrap())
        .with_description("d")
        .with_scope("a");
    let issued = silent.create(request.clone()).unwrap();
    assert!(request.differences(&issued.token).is_empty());
}

#[test]
fn an_argument_that_the_token_does_not_report_as_requested_differs_and_is_named() {
    let request = || {
        CreateToken::new("ci")
            .with_argument("role", "view")
            .with_argument("cidr", ["10.0.0.0/8", "::1/128"])
            .with_argument("uses", 1)
    };
    let list = |texts: &[&str]| Attribute::List(texts.iter().map(|&text| text.into()).collect());
    let confirming = |token: &mut Token| {
        token.attributes.insert("role", Attribute::from("view"));
        let cidr = list(&["::1/128", "10.0.0.0/8"]);
        token.attributes.insert("cidr", cidr);
        token.attributes.insert("uses", Attribute::Integer(1));
    };
    let issued = Scripted::new(confirming).create(request()).unwrap();
    assert!(request().differences(&issued.token).is_empty());
    assert!(request().unconfirmed_arguments(&issued.token).is_empty());

    // Neither a null, nor a field of another type, says anything about the argument.
    let adapter = Scripted::new(|token| {
        confirming(token);
        token.attributes.insert("role", Attribute::Null);
        let other = Attribute::Map(std::collections::BTreeMap::new());
        token.attributes.insert("cidr", other);
    });
    let issued = adapter.create(request()).unwrap();
    assert!(adapter.revoked().is_empty());
    assert_eq!(request().differences(&issued.token), ["arguments"]);
    let unconfirmed = request();
    let unconfirmed = unconfirmed.unconfirmed_arguments(&issued.token);
    assert_eq!(unconfirmed, ["cidr", "role"]);

    // What could not be read says nothing either: a new secret is not given up for it.
    let odd = Scripted::new(|token| {
        confirming(token);
        let half = Attribute::from("half \\ud83d");
        token.attributes.insert_unreadable("role", half);
    });
    let issued = odd.create(request()).unwrap();
    assert!(odd.revoked().is_empty());
    assert_eq!(request().unconfirmed_arguments(&issued.token), ["role"]);

    let silent = Scripted::new(|_| ());
    let issued = silent.create(request()).unwrap();
    assert_eq!(request().differences(&issued.token), ["arguments"]);
}

#[test]
fn a_token_whose_suspension_is_not_confirmed_differs() {
    let mut token = Token::new(TokenId::new("1"), TokenState::Unknown);
    token.name = Fact::Known("ci".into());
    let request = CreateToken::new("ci");
    assert!(request.differences(&token).is_empty());
    assert_eq!(request.with_suspended().differences(&token), ["state"]);
}

#[test]
fn an_expiry_or_scopes_that_cannot_be_read_are_not_confirmed() {
    let request = CreateToken::new("ci")
        .with_expiry("2030-01-01T00:00:00Z".parse().unwrap())
        .with_scope("a");
    let mut token = Token::new(TokenId::new(ID), TokenState::Active);
    assert!(request.differences(&token).is_empty());
    token.attributes.mark_unreadable("status");
    assert_eq!(request.differences(&token), ["expiry", "scopes"]);
    assert!(CreateToken::new("ci").differences(&token).is_empty());
}
