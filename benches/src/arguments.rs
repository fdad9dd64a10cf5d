//! What the programs of this crate take.

/// How often to measure, and where the figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments {
    /// How many runs: `--runs N`.
    pub runs: usize,
    /// Whether `--write` is there: the figures go into the page as well.
    pub write: bool,
}

impl Arguments {
    /// Those of this process, with so many runs unless they say otherwise.
    ///
    /// # Errors
    ///
    /// With the usage, when there is any other word.
    pub fn of_this_process(runs: usize) -> Result<Self, String> {
        Self::read(std::env::args().skip(1), runs)
    }

    fn read(words: impl IntoIterator<Item = String>, runs: usize) -> Result<Self, String> {
        let mut arguments = Self { runs, write: false };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--write" => arguments.write = true,
                "--runs" => {
                    let number = words.next().and_then(|number| number.parse().ok());
                    arguments.runs = (number.filter(|runs| *runs > 0))
                        .ok_or("--runs takes a number from 1 on")?;
                }
                other => {
                    return Err(format!(
                        "{other} is unknown; there are --runs N and --write"
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
    fn a_word_that_is_not_known_is_refused_rather_than_ignored() {
        let read = |words: &str| Arguments::read(words.split_whitespace().map(str::to_owned), 5);
        assert_eq!(
            read("").unwrap(),
            Arguments {
                runs: 5,
                write: false
            }
        );
        assert_eq!(
            read("--runs 2 --write").unwrap(),
            Arguments {
                runs: 2,
                write: true
            }
        );
        for wrong in ["--runs", "--runs 0", "--runs x", "--Write", "2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
