//! The parts of the function below an attribute, as places in the list of its tokens.
//!
//! ```text
//! #[ignore] pub(crate) async fn name ( ) -> io::Result<()> where .. { body }
//! |         |          |        |        |                          |
//! 0         visibility whole    name     output                     body
//! ```

use crate::fault::Fault;
use crate::shape::Shape;
use std::ops::Range;

/// Where the parts of an `async fn` without arguments are. What is not there is an empty range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// Every attribute, doc comments among them.
    pub(crate) attributes: Range<usize>,
    /// `pub` and what it is limited to.
    pub(crate) visibility: Range<usize>,
    /// The function itself: from `async` to the end of the body.
    pub(crate) whole: Range<usize>,
    /// Its name.
    pub(crate) name: usize,
    /// The return type with its arrow, and a `where` clause.
    pub(crate) output: Range<usize>,
    /// The body in its braces.
    pub(crate) body: usize,
}

impl Signature {
    /// Finds the parts, or says why `attribute` cannot stand on this item.
    pub(crate) fn read(attribute: &str, tokens: &[Shape]) -> Result<Signature, Fault> {
        let attributes = 0..skip_attributes(tokens);
        let visibility = attributes.end..skip_visibility(tokens, attributes.end);
        let start = visibility.end;
        let name = start + read_keywords(attribute, &tokens[start..], start)?;
        let parentheses = name + 1;
        match tokens.get(parentheses) {
            Some(Shape::Group('(', arguments)) if arguments.is_empty() => {}
            Some(Shape::Group('(', _)) => {
                let message = format!(
                    "`#[pelmeni::{attribute}]` has nothing to pass to its function: remove the arguments \
                     (a program reads its own from `std::env::args()`)"
                );
                return Err(Fault::new(parentheses, message));
            }
            _ => {
                let message = format!(
                    "`#[pelmeni::{attribute}]` cannot choose the types of a generic function: \
                     move the body to a function of its own and call it with the types you want"
                );
                return Err(Fault::new(parentheses, message));
            }
        }
        let body = tokens.len() - 1;
        if !tokens[body].is_group('{') {
            let message = format!("`#[pelmeni::{attribute}]` runs a body: write `{{ .. }}` here");
            return Err(Fault::new(body, message));
        }
        let output = parentheses + 1..body;
        Ok(Signature { attributes, visibility, whole: start..tokens.len(), name, output, body })
    }
}

/// Reads `async fn name` and answers where the name is.
fn read_keywords(attribute: &str, tokens: &[Shape], start: usize) -> Result<usize, Fault> {
    let function = tokens.iter().position(|token| token.is_word("fn"));
    let keywords = match function {
        Some(at) if tokens[..at].iter().all(is_qualifier) => &tokens[..at],
        _ => {
            let message = format!(
                "`#[pelmeni::{attribute}]` belongs on a function: write `async fn` below it"
            );
            return Err(Fault::new(start, message));
        }
    };
    if let Some(at) = keywords.iter().position(|token| !token.is_word("async")) {
        let message = format!(
            "`#[pelmeni::{attribute}]` calls its function like any other: \
             write `async fn`, with nothing else before the `fn`"
        );
        return Err(Fault::new(start + at, message));
    }
    if keywords.is_empty() {
        let message = format!(
            "`#[pelmeni::{attribute}]` starts a runtime for a function that awaits: \
             write `async fn`, or remove the attribute"
        );
        return Err(Fault::new(start, message));
    }
    Ok(keywords.len() + 1)
}

/// May stand before `fn`. The literal is the `"C"` of `extern "C"`.
fn is_qualifier(token: &Shape) -> bool {
    match token {
        Shape::Word(word) => {
            matches!(word.as_str(), "async" | "const" | "default" | "extern" | "safe" | "unsafe")
        }
        Shape::Literal(_) => true,
        Shape::Mark(_) | Shape::Group(..) => false,
    }
}

/// The first index behind `#[..] #[..] ..`.
fn skip_attributes(tokens: &[Shape]) -> usize {
    let is_attribute = |pair: &&[Shape]| pair[0] == Shape::Mark('#') && pair[1].is_group('[');
    2 * tokens.chunks_exact(2).take_while(is_attribute).count()
}

/// The first index behind `pub`, `pub(..)` or nothing.
fn skip_visibility(tokens: &[Shape], start: usize) -> usize {
    match &tokens[start..] {
        [public, limit, ..] if public.is_word("pub") && limit.is_group('(') => start + 2,
        [public, ..] if public.is_word("pub") => start + 1,
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use super::Signature;
    use crate::shape::tests::shapes;

    fn read(text: &str) -> Result<Signature, String> {
        Signature::read("main", &shapes(text)).map_err(|fault| fault.message)
    }

    /// Reads what must be refused, and expects the message to name the remedy.
    #[track_caller]
    fn refused(text: &str, at: usize, remedy: &str) {
        let fault = Signature::read("main", &shapes(text)).expect_err(text);
        assert!(fault.message.contains(remedy), "{text}: {}", fault.message);
        assert!(fault.message.starts_with("`#[pelmeni::main]`"), "{text}: {}", fault.message);
        assert_eq!(fault.at, at, "{text}");
    }

    #[test]
    fn bare_function() {
        let parts = read("async fn main() {}").unwrap();
        assert_eq!(parts.attributes, 0..0);
        assert_eq!(parts.visibility, 0..0);
        assert_eq!(parts.whole, 0..5);
        assert_eq!((parts.name, parts.output, parts.body), (2, 4..4, 4));
    }

    #[test]
    fn every_part_is_there() {
        let parts = read("#[a] #[b(c)] pub(crate) async fn f() -> io::Result<()> where T: U { x }");
        let parts = parts.unwrap();
        assert_eq!(parts.attributes, 0..4);
        assert_eq!(parts.visibility, 4..6);
        assert_eq!(parts.whole, 6..24);
        assert_eq!((parts.name, parts.output, parts.body), (8, 10..23, 23));
    }

    #[test]
    fn plain_pub() {
        let parts = read("pub async fn f() {}").unwrap();
        assert_eq!((parts.visibility, parts.name), (0..1, 3));
    }

    #[test]
    fn not_a_function() {
        refused("struct Main;", 0, "write `async fn` below it");
        refused("#[a] pub mod fun { fn f() {} }", 3, "write `async fn` below it");
        refused("impl Main { async fn f() {} }", 0, "write `async fn` below it");
        refused("", 0, "write `async fn` below it");
    }

    #[test]
    fn not_async() {
        refused("fn main() {}", 0, "write `async fn`, or remove the attribute");
        refused("#[a] pub fn main() {}", 3, "write `async fn`, or remove the attribute");
    }

    #[test]
    fn other_qualifiers() {
        refused("async unsafe fn main() {}", 1, "with nothing else before the `fn`");
        refused("extern \"C\" fn main() {}", 0, "with nothing else before the `fn`");
    }

    #[test]
    fn arguments() {
        refused("async fn main(a: u8) {}", 3, "remove the arguments");
        refused("async fn main(&self) {}", 3, "remove the arguments");
    }

    #[test]
    fn generic() {
        refused("async fn main<T>() {}", 3, "call it with the types you want");
    }

    #[test]
    fn without_body() {
        refused("async fn main();", 4, "write `{ .. }` here");
        refused("async fn main()", 3, "write `{ .. }` here");
    }
}
