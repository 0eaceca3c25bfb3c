//! The shape of a token: what the readers look at, without the compiler behind it.
//!
//! `proc_macro`'s own types work only while a macro is expanded and panic in a test. So the readers get a list of shapes
//! and answer with indices into it; `expand` holds the tokens of the same indices and takes from those.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// What a reader can tell of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A keyword or a name.
    Word(String),
    /// One character of punctuation.
    Mark(char),
    /// A number, string or character, as it was written.
    Literal(String),
    /// Brackets of one kind, named by the opening one, and what is between them.
    Group(char, Vec<Shape>),
}

impl Shape {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Shape::Word(name) if name == word)
    }

    pub(crate) fn is_group(&self, opening: char) -> bool {
        matches!(self, Shape::Group(found, _) if *found == opening)
    }
}

/// The tokens, without the invisible brackets that a `macro_rules!` puts around what was passed to it.
pub(crate) fn flatten(tokens: TokenStream) -> Vec<TokenTree> {
    let mut flat = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                flat.extend(flatten(group.stream()));
            }
            token => flat.push(token),
        }
    }
    flat
}

/// The shape of every token, at the same index.
pub(crate) fn shapes(tokens: &[TokenTree]) -> Vec<Shape> {
    tokens.iter().map(shape).collect()
}

fn shape(token: &TokenTree) -> Shape {
    match token {
        TokenTree::Ident(name) => Shape::Word(name.to_string()),
        TokenTree::Punct(mark) => Shape::Mark(mark.as_char()),
        TokenTree::Literal(literal) => Shape::Literal(literal.to_string()),
        TokenTree::Group(group) => {
            let opening = match group.delimiter() {
                Delimiter::Parenthesis => '(',
                Delimiter::Bracket => '[',
                Delimiter::Brace => '{',
                Delimiter::None => unreachable!("flatten removed the invisible brackets"),
            };
            Shape::Group(opening, shapes(&flatten(group.stream())))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Shape;
    use std::iter::Peekable;
    use std::str::Chars;

    /// Reads shapes from text: enough of Rust's tokens for the tests of the readers.
    pub(crate) fn shapes(text: &str) -> Vec<Shape> {
        list(&mut text.chars().peekable())
    }

    /// Everything up to the end, or to the bracket that closes this list.
    fn list(rest: &mut Peekable<Chars<'_>>) -> Vec<Shape> {
        let mut found = Vec::new();
        while let Some(first) = rest.next() {
            found.push(match first {
                ')' | ']' | '}' => break,
                '(' | '[' | '{' => Shape::Group(first, list(rest)),
                '"' => Shape::Literal(format!("\"{}\"", string(rest))),
                '0'..='9' => Shape::Literal(word(first, rest)),
                'a'..='z' | 'A'..='Z' | '_' => Shape::Word(word(first, rest)),
                space if space.is_whitespace() => continue,
                mark => Shape::Mark(mark),
            });
        }
        found
    }

    fn word(first: char, rest: &mut Peekable<Chars<'_>>) -> String {
        let mut word = String::from(first);
        while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || *next == '_') {
            word.push(next);
        }
        word
    }

    fn string(rest: &mut Peekable<Chars<'_>>) -> String {
        rest.take_while(|next| *next != '"').collect()
    }

    #[test]
    fn text_becomes_nested_shapes() {
        let expected = [
            Shape::Word("threads".into()),
            Shape::Mark('='),
            Shape::Group('[', vec![Shape::Literal("1".into()), Shape::Mark(',')]),
            Shape::Literal("\"a b\"".into()),
        ];
        assert_eq!(shapes("threads = [1,] \"a b\""), expected);
    }
}
