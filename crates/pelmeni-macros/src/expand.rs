//! The code that takes the function's place.
//!
//! Every token of the function is kept with its span; what is added lies at the attribute. Names are written in full, from
//! `::`, so that nothing the user has imported can change their meaning.
//!
//! After a mistake in the options the function is expanded as if there were none, and after one in its signature a stub
//! stands in for it: one mistake, one message.

use crate::fault::Fault;
use crate::options::Threads;
use crate::shape::{flatten, shapes};
use crate::signature::Signature;
use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};
use std::ops::Range;

/// Expands `#[pelmeni::main]`.
pub(crate) fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = flatten(options);
    let threads = match Threads::read("main", &shapes(&options)) {
        Ok(Threads::Each(_)) => {
            let message = "a program runs once: write `threads = 2` \
                           (a list of counts is for `#[pelmeni::test]`)";
            // The list is the third token: whatever else was before it would have been refused.
            Err(Fault::new(2, message))
        }
        threads => threads,
    };
    let function = match Function::read("main", item) {
        Ok(function) => function,
        Err(complaint) => return complaint,
    };
    match threads {
        Ok(Threads::Count(count)) => function.run_on(count),
        Ok(_) => function.run(),
        Err(fault) => TokenStream::from_iter([fault.into_compile_error(&options), function.run()]),
    }
}

/// Expands `#[pelmeni::test]`.
pub(crate) fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = flatten(options);
    let threads = Threads::read("test", &shapes(&options));
    let function = match Function::read("test", item) {
        Ok(function) => function,
        Err(complaint) => return complaint,
    };
    let test = |function: TokenStream| {
        TokenStream::from_iter([code("#[::core::prelude::v1::test]"), function])
    };
    match threads {
        Ok(Threads::Unsaid) => test(function.run()),
        Ok(Threads::Count(count)) => test(function.run_on(count)),
        Ok(Threads::Each(counts)) => {
            let on_each = |count| test(function.named_after(count).run_on(count));
            counts.into_iter().map(on_each).collect()
        }
        Err(fault) => TokenStream::from_iter([fault.into_compile_error(&options), function.run()]),
    }
}

/// An `async fn` without arguments.
#[derive(Debug, Clone)]
struct Function {
    tokens: Vec<TokenTree>,
    parts: Signature,
    /// What the plain function is called.
    name: TokenTree,
}

impl Function {
    /// Takes the item below the attribute, or answers with what to put in its place.
    fn read(attribute: &str, item: TokenStream) -> Result<Function, TokenStream> {
        let tokens = flatten(item);
        match Signature::read(attribute, &shapes(&tokens)) {
            Ok(parts) => Ok(Function { name: tokens[parts.name].clone(), tokens, parts }),
            Err(fault) => {
                let complaint = fault.into_compile_error(&tokens);
                Err(TokenStream::from_iter([complaint, stub(&tokens)]))
            }
        }
    }

    /// The same function as one of several tests.
    fn named_after(&self, count: usize) -> Function {
        let threads = if count == 1 { "thread" } else { "threads" };
        let name = self.name.to_string();
        let name = format!("{}_on_{count}_{threads}", name.trim_start_matches("r#"));
        let name = TokenTree::from(Ident::new(&name, self.name.span()));
        Function { name, ..self.clone() }
    }

    /// A plain function that runs this one on a runtime as the environment wants it.
    fn run(&self) -> TokenStream {
        self.with_statements(&format!("::pelmeni::run({}())", self.tokens[self.parts.name]))
    }

    /// A plain function that runs this one on a runtime with `count` threads.
    fn run_on(&self, count: usize) -> TokenStream {
        self.with_statements(&format!(
            "let runtime = match ::pelmeni::Builder::new().threads({count}usize).build() {{
                 ::core::result::Result::Ok(runtime) => runtime,
                 ::core::result::Result::Err(error) => {{
                     ::core::panic!(\"a runtime with threads = {count} could not be started: {{error}}\")
                 }}
             }};
             let output = runtime.run({name}());
             let _ = runtime.close();
             output",
            name = self.tokens[self.parts.name],
        ))
    }

    /// A plain function with this one as an item in it, and then `statements`.
    fn with_statements(&self, statements: &str) -> TokenStream {
        let body = self.copy(&self.parts.whole).chain(code(statements)).collect();
        let mut body = Group::new(Delimiter::Brace, body);
        body.set_span(self.tokens[self.parts.body].span());
        let signature = [
            self.copy(&self.parts.attributes).collect(),
            self.copy(&self.parts.visibility).collect(),
            code("fn"),
            self.name.clone().into(),
            code("()"),
            self.copy(&self.parts.output).collect(),
        ];
        signature.into_iter().flatten().chain([TokenTree::from(body)]).collect()
    }

    fn copy(&self, part: &Range<usize>) -> impl Iterator<Item = TokenTree> {
        self.tokens[part.clone()].iter().cloned()
    }
}

/// An empty function of the refused one's name: without it the compiler would also complain that there is none. What is
/// no function stays.
fn stub(tokens: &[TokenTree]) -> TokenStream {
    let function = tokens.iter().position(|token| token.to_string() == "fn");
    match function.and_then(|at| tokens.get(at + 1)) {
        Some(name) => code(&format!("fn {name}() {{}}")),
        None => tokens.iter().cloned().collect(),
    }
}

/// The tokens of code written in this file.
fn code(text: &str) -> TokenStream {
    text.parse().expect("the code in this file is made of tokens")
}
