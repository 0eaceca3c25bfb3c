//! A mistake in the use of an attribute: which token it is about, and what to write instead.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use std::fmt::Display;

/// One mistake. The reader that finds it returns it in place of a result, so the first one is the one reported.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The index of the token to underline. One past the end, or an empty list: the attribute itself.
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Fault {
    /// The message says what was wrong and then, after the colon, what to write.
    pub(crate) fn new(at: usize, message: impl Display) -> Self {
        Fault { at, message: message.to_string() }
    }

    /// A `compile_error!` whose every token lies where the mistake is: the compiler underlines all of the call.
    pub(crate) fn into_compile_error(self, tokens: &[TokenTree]) -> TokenStream {
        let span = tokens.get(self.at).map_or_else(Span::call_site, TokenTree::span);
        let message = TokenTree::from(Literal::string(&self.message));
        let call: TokenStream = "::core::compile_error!".parse().expect("a path and a mark");
        let arguments = TokenTree::from(Group::new(Delimiter::Brace, message.into()));
        let spanned = call.into_iter().chain([arguments]).map(|mut token| {
            token.set_span(span);
            token
        });
        spanned.collect()
    }
}
