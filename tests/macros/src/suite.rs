//! Expands `#[suite]`: reads the case attributes inside the module, removes them, and appends `cases()`.
//!
//! Works on `proc_macro2` tokens, so that the tests below can run it outside of the compiler.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, Item, ItemFn, ItemMod, LitStr, Meta, Result, Token};

/// A test that claims more rows than this shows none of them well.
const MAX_ROWS: usize = 3;

pub(crate) fn expand(arguments: TokenStream, module: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[suite]` takes no arguments"));
    }
    let mut module: ItemMod = syn::parse2(module)?;
    let span = module.span();
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new(span, "`#[suite]` needs the module's body in the same file"));
    };
    let mut cases = Vec::new();
    for item in items.iter_mut() {
        if let Item::Fn(function) = item
            && let Some(mark) = Mark::take(function)?
        {
            cases.push(case(function, &mark)?);
        }
    }
    if cases.is_empty() {
        return Err(Error::new(span, "a suite without a case"));
    }
    items.push(syn::parse_quote! {
        /// The cases of this suite, in the order in which they are written.
        pub(crate) fn cases() -> ::std::vec::Vec<::hedgehog_tests::conformance::Case> {
            ::std::vec![#(#cases),*]
        }
    });
    Ok(module.into_token_stream())
}

/// What one case attribute says.
#[derive(Default)]
struct Mark {
    rows: Vec<LitStr>,
    real_time: bool,
}

impl Mark {
    /// Takes the case attribute away from `function`; `None` when it has none and so is no case.
    fn take(function: &mut ItemFn) -> Result<Option<Self>> {
        let (ours, others): (Vec<_>, Vec<_>) = std::mem::take(&mut function.attrs)
            .into_iter()
            .partition(|attribute| attribute.path().is_ident("row") || attribute.path().is_ident("invariant"));
        function.attrs = others;
        match ours.as_slice() {
            [] => Ok(None),
            [attribute] => Self::read(attribute).map(Some),
            [_, second, ..] => Err(Error::new_spanned(
                second,
                "one case attribute a function: name all its rows in one `#[row(..)]`",
            )),
        }
    }

    fn read(attribute: &Attribute) -> Result<Self> {
        let words = match &attribute.meta {
            Meta::Path(_) => Punctuated::new(),
            _ => attribute.parse_args_with(Punctuated::<Word, Token![,]>::parse_terminated)?,
        };
        let mut mark = Self::default();
        for word in words {
            match word {
                Word::RealTime => mark.real_time = true,
                Word::Row(id) if mark.rows.iter().any(|known| known.value() == id.value()) => {
                    return Err(Error::new_spanned(id, "this row is named twice"));
                }
                Word::Row(id) => mark.rows.push(id),
            }
        }
        let named = attribute.path().is_ident("row");
        match mark.rows.len() {
            0 if named => Err(Error::new_spanned(
                attribute,
                "`#[row(..)]` names at least one row, such as \"SPEC-003\"",
            )),
            1.. if !named => Err(Error::new_spanned(
                attribute,
                "an invariant names no rows: use `#[row(..)]`",
            )),
            count if count > MAX_ROWS => Err(Error::new_spanned(
                attribute,
                format!("{count} rows for one test; at most {MAX_ROWS}"),
            )),
            _ => Ok(mark),
        }
    }
}

enum Word {
    Row(LitStr),
    RealTime,
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let id: LitStr = input.parse()?;
            return if is_row_id(&id.value()) {
                Ok(Self::Row(id))
            } else {
                Err(Error::new_spanned(
                    id,
                    "not a row id: write it as the catalogue does, such as \"SPEC-003\"",
                ))
            };
        }
        let word: Ident = input.parse()?;
        if word == "real_time" {
            Ok(Self::RealTime)
        } else {
            Err(Error::new_spanned(
                word,
                "unknown word: row ids in quotes, and `real_time`",
            ))
        }
    }
}

/// `SPEC-003`: a suite's capital letters, a dash, three digits.
fn is_row_id(id: &str) -> bool {
    id.split_once('-').is_some_and(|(suite, number)| {
        !suite.is_empty()
            && suite.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() == 3
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn case(function: &ItemFn, mark: &Mark) -> Result<TokenStream> {
    let signature = &function.sig;
    if !signature.inputs.is_empty() || !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(signature, "a case takes no arguments"));
    }
    let name = &signature.ident;
    let awaits = signature.asyncness.map(|_| quote!(.await));
    let rows = &mark.rows;
    let clock = if mark.real_time { quote!(Real) } else { quote!(Paused) };
    Ok(quote! {
        ::hedgehog_tests::conformance::Case::new(
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
            &[#(#rows),*],
            ::hedgehog_tests::conformance::Clock::#clock,
            || ::std::boxed::Box::pin(async { ::hedgehog_tests::conformance::Verdict::failure(#name()#awaits) }),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(module: TokenStream) -> String {
        expand(TokenStream::new(), module)
            .expect_err("this suite must be refused")
            .to_string()
    }

    #[test]
    fn marked_functions_become_cases_and_others_stay_as_they_are() {
        let expanded = expand(
            TokenStream::new(),
            quote! { mod m { #[row("SPEC-001", "SPEC-002", real_time)] async fn a() {} #[invariant] fn b() {} fn c() {} } },
        )
        .expect("a sound suite")
        .to_string();
        assert!(!expanded.contains("row"), "the attribute is taken away: {expanded}");
        assert!(expanded.contains("\"SPEC-001\" , \"SPEC-002\""), "{expanded}");
        assert!(
            expanded.contains("Clock :: Real") && expanded.contains("Clock :: Paused"),
            "{expanded}"
        );
        assert_eq!(expanded.matches("Case :: new").count(), 2, "{expanded}");
    }

    #[test]
    fn a_fourth_row_is_refused() {
        let text = refusal(quote! { mod m { #[row("SPEC-001", "SPEC-002", "SPEC-003", "SPEC-004")] fn a() {} } });
        assert_eq!(text, "4 rows for one test; at most 3");
    }

    #[test]
    fn a_case_without_rows_a_doubled_row_and_a_misspelt_id_are_refused() {
        assert!(refusal(quote! { mod m { #[row()] fn a() {} } }).contains("at least one row"));
        assert!(refusal(quote! { mod m { #[row] fn a() {} } }).contains("at least one row"));
        assert!(refusal(quote! { mod m { #[row("SPEC-001", "SPEC-001")] fn a() {} } }).contains("named twice"));
        assert!(refusal(quote! { mod m { #[row("SPEC-1")] fn a() {} } }).contains("not a row id"));
        assert!(refusal(quote! { mod m { #[row("SPEC-001", realtime)] fn a() {} } }).contains("unknown word"));
        assert!(refusal(quote! { mod m { #[invariant("SPEC-001")] fn a() {} } }).contains("names no rows"));
        assert!(
            refusal(quote! { mod m { #[row("SPEC-001")] #[row("SPEC-002")] fn a() {} } })
                .contains("one case attribute")
        );
    }

    #[test]
    fn a_suite_needs_a_body_and_a_case() {
        assert!(refusal(quote! { mod m; }).contains("the module's body"));
        assert!(refusal(quote! { mod m { fn a() {} } }).contains("without a case"));
        assert!(refusal(quote! { mod m { #[row("SPEC-001")] fn a(n: u8) {} } }).contains("takes no arguments"));
    }
}
