//! What stands in an attribute's parentheses: nothing, or on how many threads to run.
//!
//! ```text
//! options = [ option { "," option } [ "," ] ]
//! option  = "threads" "=" ( count | "[" count { "," count } [ "," ] "]" )
//! ```
//!
//! A count is a number as it stands in the source, because the name of a test is made of it.

use crate::fault::Fault;
use crate::shape::Shape;

/// On how many threads to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The runtime decides.
    Unsaid,
    /// On so many.
    Count(usize),
    /// On each of these in turn, all different.
    Each(Vec<usize>),
}

impl Threads {
    /// Reads the options, or says what is wrong with them.
    pub(crate) fn read(attribute: &str, tokens: &[Shape]) -> Result<Threads, Fault> {
        let mut threads = Threads::Unsaid;
        let mut at = 0;
        while at < tokens.len() {
            let value = read_name(attribute, tokens, at)?;
            if threads != Threads::Unsaid {
                return Err(Fault::new(at, "`threads` is given twice: keep one of the two"));
            }
            threads = match &tokens[value] {
                Shape::Group('[', counts) => Threads::Each(read_counts(counts, value)?),
                token => Threads::Count(read_count(token, value)?),
            };
            at = match tokens.get(value + 1) {
                None => tokens.len(),
                Some(Shape::Mark(',')) => value + 2,
                Some(_) => {
                    let message = "this does not belong to `threads`: write a comma before it, \
                                   or a number alone, such as `threads = 2`";
                    return Err(Fault::new(value + 1, message));
                }
            };
        }
        Ok(threads)
    }
}

/// Reads `threads =` and answers where the value is.
fn read_name(attribute: &str, tokens: &[Shape], at: usize) -> Result<usize, Fault> {
    if !tokens[at].is_word("threads") {
        let found = match &tokens[at] {
            Shape::Word(name) => format!("unknown option `{name}`"),
            _ => "this is not an option".to_owned(),
        };
        let message = format!("{found}: `#[pelmeni::{attribute}]` knows `threads = 2`");
        return Err(Fault::new(at, message));
    }
    match tokens.get(at + 1..at + 3) {
        Some([Shape::Mark('='), _]) => Ok(at + 2),
        _ => Err(Fault::new(at, "`threads` has no value: write `threads = 2`")),
    }
}

/// Reads what is between the brackets at `at`.
fn read_counts(tokens: &[Shape], at: usize) -> Result<Vec<usize>, Fault> {
    let tokens = tokens.strip_suffix(&[Shape::Mark(',')]).unwrap_or(tokens);
    let mut counts = Vec::new();
    for item in tokens.split(|token| *token == Shape::Mark(',')) {
        let [count] = item else {
            let message = "a list of counts is numbers with commas: write `threads = [1, 2, 8]`";
            return Err(Fault::new(at, message));
        };
        counts.push(read_count(count, at)?);
    }
    for (index, count) in counts.iter().enumerate() {
        if counts[..index].contains(count) {
            let message = format!("`{count}` is in the list twice: keep one of the two");
            return Err(Fault::new(at, message));
        }
    }
    Ok(counts)
}

/// Reads one count; `at` is the place to complain about.
fn read_count(token: &Shape, at: usize) -> Result<usize, Fault> {
    let count = match token {
        Shape::Literal(number) => number.replace('_', "").trim_end_matches("usize").parse().ok(),
        Shape::Word(_) | Shape::Mark(_) | Shape::Group(..) => None,
    };
    match count {
        Some(0) => {
            let message = "with `threads = 0` nobody would run anything: write `threads = 1` or more, \
                           or leave the option out to let `PELMENI_THREADS` or the machine decide";
            Err(Fault::new(at, message))
        }
        Some(count) => Ok(count),
        None => Err(Fault::new(
            at,
            "the number of threads is a number written out: write `threads = 2`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::Threads;
    use crate::shape::tests::shapes;

    #[track_caller]
    fn accepted(text: &str, expected: Threads) {
        assert_eq!(Threads::read("test", &shapes(text)), Ok(expected), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, at: usize, message: &str) {
        let fault = Threads::read("test", &shapes(text)).expect_err(text);
        assert!(fault.message.contains(message), "{text}: {}", fault.message);
        assert_eq!(fault.at, at, "{text}");
    }

    #[test]
    fn nothing() {
        accepted("", Threads::Unsaid);
    }

    #[test]
    fn one_count() {
        accepted("threads = 2", Threads::Count(2));
        accepted("threads = 1_000usize,", Threads::Count(1000));
    }

    #[test]
    fn several_counts() {
        accepted("threads = [1, 2, 8]", Threads::Each(vec![1, 2, 8]));
        accepted("threads = [4,],", Threads::Each(vec![4]));
    }

    #[test]
    fn unknown_option() {
        refused("worker_threads = 2", 0, "unknown option `worker_threads`");
        refused("threads = 2, name = 1", 4, "unknown option `name`");
        refused("2", 0, "this is not an option: `#[pelmeni::test]` knows `threads = 2`");
        refused(",", 0, "this is not an option");
    }

    #[test]
    fn option_given_twice() {
        refused("threads = 2, threads = 2", 4, "given twice");
    }

    #[test]
    fn value_is_missing() {
        refused("threads", 0, "write `threads = 2`");
        refused("threads =", 0, "write `threads = 2`");
        refused("threads(2)", 0, "write `threads = 2`");
    }

    #[test]
    fn value_is_no_count() {
        refused("threads = \"2\"", 2, "a number written out");
        refused("threads = N", 2, "a number written out");
        refused("threads = -1", 2, "a number written out");
        refused("threads = 0x2", 2, "a number written out");
        refused("threads = 2 * 2", 3, "a number alone");
    }

    #[test]
    fn nobody_to_run_it() {
        refused("threads = 0", 2, "write `threads = 1` or more");
        refused("threads = [1, 0]", 2, "write `threads = 1` or more");
    }

    #[test]
    fn crooked_list() {
        for list in ["[]", "[,]", "[1,,2]", "[1 2]", "[1,,]"] {
            refused(&format!("threads = {list}"), 2, "write `threads = [1, 2, 8]`");
        }
        refused("threads = [2, 1, 2]", 2, "`2` is in the list twice");
    }
}
