//! The command-line arguments of the programs of this crate.

/// The number of runs, and whether to write the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments {
    /// The number of runs (`--runs N`).
    pub runs: usize,
    /// `true` if the figures are written to the page as well (`--write`).
    pub write: bool,
}

impl Arguments {
    /// Parses the arguments of this process, with a default number of runs.
    ///
    /// # Errors
    ///
    /// Returns the usage if there is an unknown argument.
    pub fn from_env(runs: usize) -> Result<Self, String> {
        Self::parse(std::env::args().skip(1), runs)
    }

    fn parse(words: impl IntoIterator<Item = String>, runs: usize) -> Result<Self, String> {
        let mut arguments = Self { runs, write: false };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--write" => arguments.write = true,
                "--runs" => {
                    let number = words.next().and_then(|number| number.parse().ok());
                    arguments.runs = (number.filter(|runs| *runs > 0))
                        .ok_or("--runs needs a number of at least 1")?;
                }
                other => {
                    return Err(format!(
                        "unknown argument {other}; the arguments are --runs N and --write"
                    ));
                }
            }
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_argument_is_refused() {
        let parse = |words: &str| Arguments::parse(words.split_whitespace().map(str::to_owned), 5);
        assert_eq!(
            parse("").unwrap(),
            Arguments {
                runs: 5,
                write: false
            }
        );
        assert_eq!(
            parse("--runs 2 --write").unwrap(),
            Arguments {
                runs: 2,
                write: true
            }
        );
        for wrong in ["--runs", "--runs 0", "--runs x", "--Write", "2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
