//! The check of platform-specific arguments against what a provider declares (decision 0024).

use crate::error::{Error, Result, did_you_mean, quoted};
use crate::provider::{ArgumentDescription, ArgumentValue, CreateCapability, CreateToken};

impl CreateCapability {
    /// Parses a platform-specific argument from text, as a command line has it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an argument that is not declared,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a value that it does not take.
    ///
    /// ```
    /// use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue, CreateCapability};
    ///
    /// let create = CreateCapability::new().with_argument(ArgumentDescription::boolean("readonly"));
    /// assert_eq!(create.parse_argument("readonly", "true").unwrap(), ArgumentValue::from(true));
    /// assert!(create.parse_argument("readonly", "perhaps").is_err());
    /// ```
    pub fn parse_argument(&self, name: &str, text: &str) -> Result<ArgumentValue> {
        self.argument(name)?.parse(text)
    }

    fn argument(&self, name: &str) -> Result<&ArgumentDescription> {
        let mut declared = self.arguments.iter();
        declared
            .find(|argument| argument.name == name)
            .ok_or_else(|| {
                let known = self.arguments.iter();
                let known: Vec<&str> = known.map(|argument| argument.name.as_ref()).collect();
                let quoted = quoted(name, &known);
                Error::unsupported(format!(
                    "the platform does not support the argument{quoted}"
                ))
                .with_advice(if known.is_empty() {
                    "it has no arguments of its own".to_owned()
                } else {
                    did_you_mean(name, &known)
                })
            })
    }

    /// Rejects platform-specific arguments that are not as declared.
    pub(super) fn check_arguments(&self, request: &CreateToken) -> Result<()> {
        for (name, value) in &request.arguments {
            self.argument(name)?.check(value)?;
        }
        let is_missing = |argument: &&ArgumentDescription| {
            argument.required && !request.arguments.contains_key(argument.name.as_ref())
        };
        match self.arguments.iter().find(is_missing) {
            None => Ok(()),
            Some(argument) => {
                let (name, kind) = (&argument.name, &argument.kind);
                let message = format!("the token needs the argument `{name}`");
                Err(Error::invalid_input(message).with_advice(format!("it takes {kind}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Fate};
    use crate::provider::{Capabilities, OperationCall};

    fn capabilities() -> Capabilities {
        let create = CreateCapability::new()
            .with_argument(ArgumentDescription::boolean("readonly"))
            .with_argument(ArgumentDescription::integer("priority", 1..=9))
            .with_argument(ArgumentDescription::text("region"))
            .with_argument(ArgumentDescription::list("cidr"))
            .with_argument(ArgumentDescription::choice("role", ["manager", "member"]).required());
        Capabilities::none().with_create(create)
    }

    fn check(request: &CreateToken) -> Result<()> {
        capabilities().check(OperationCall::Create(request))
    }

    #[test]
    fn a_declared_argument_of_its_kind_is_accepted_and_nothing_else() {
        let request = || CreateToken::unnamed().with_argument("role", "member");
        let accepted = request()
            .with_argument("readonly", true)
            .with_argument("priority", 9)
            .with_argument("region", "eu")
            .with_argument("cidr", ["10.0.0.0/8"]);
        check(&accepted).unwrap();
        for (request, kind) in [
            (CreateToken::unnamed(), ErrorKind::InvalidInput),
            (
                request().with_argument("role", "manger"),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("readonly", "true"),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("priority", 10),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("priority", "1"),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("region", ""),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("region", ["eu"]),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("cidr", ["10.0.0.0/8", ""]),
                ErrorKind::InvalidInput,
            ),
            (
                request().with_argument("cidr", "10.0.0.0/8"),
                ErrorKind::InvalidInput,
            ),
            (request().with_argument("ttl", 1), ErrorKind::Unsupported),
        ] {
            let error = check(&request).unwrap_err();
            assert_eq!(
                (error.kind(), error.fate()),
                (kind, Fate::NotSent),
                "{request:?}"
            );
        }
    }

    #[test]
    fn a_misspelled_argument_is_answered_with_the_one_that_was_meant() {
        let request = CreateToken::unnamed().with_argument("readOnly", true);
        let error = check(&request).unwrap_err();
        assert_eq!(
            error.to_string(),
            "create failed: the platform does not support the argument `readOnly`; did you mean `readonly`?"
        );
        let request = CreateToken::unnamed().with_argument("role", "manger");
        assert_eq!(
            check(&request).unwrap_err().advice(),
            Some("did you mean `manager`?")
        );
        let none = Capabilities::none().with_create(CreateCapability::new());
        let error = none.check(OperationCall::Create(&request)).unwrap_err();
        assert_eq!(error.advice(), Some("it has no arguments of its own"));
    }

    #[test]
    fn an_argument_is_parsed_by_its_declared_kind() {
        let create = capabilities().create.unwrap();
        for (name, text, value) in [
            ("readonly", "false", Some(ArgumentValue::from(false))),
            ("readonly", "no", None),
            ("priority", "3", Some(ArgumentValue::from(3))),
            ("priority", "0", None),
            ("region", "eu=1", Some(ArgumentValue::from("eu=1"))),
            ("cidr", "::1/128", Some(ArgumentValue::from(["::1/128"]))),
            ("role", "member", Some(ArgumentValue::from("member"))),
            ("role", "owner", None),
            ("unknown", "1", None),
        ] {
            assert_eq!(
                create.parse_argument(name, text).ok(),
                value,
                "{name}={text}"
            );
        }
    }
}
