//! Questions to a piece of syntax.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Attribute, Item, UseTree};

/// One of the names that a `use` brings in; no name is a `*`.
pub(crate) struct Leaf {
    pub(crate) path: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) span: Span,
}

pub(crate) fn leaves(tree: &UseTree, mut path: Vec<String>) -> Vec<Leaf> {
    let leaf = |mut path: Vec<String>, ident: &syn::Ident, name: &syn::Ident| {
        if ident != "self" || path.is_empty() {
            path.push(ident.unraw().to_string());
        }
        let name = if name == "self" {
            path.last().cloned()
        } else {
            Some(name.unraw().to_string())
        };
        vec![Leaf {
            path,
            name,
            span: ident.span(),
        }]
    };
    match tree {
        UseTree::Path(next) => {
            path.push(next.ident.unraw().to_string());
            leaves(&next.tree, path)
        }
        UseTree::Name(last) => leaf(path, &last.ident, &last.ident),
        UseTree::Rename(last) => leaf(path, &last.ident, &last.rename),
        UseTree::Glob(star) => vec![Leaf {
            path,
            name: None,
            span: star.star_token.spans[0],
        }],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, path.clone())).collect(),
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, ..))]`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        let condition = condition.unwrap_or_default().replace(' ', "");
        attribute.path().is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
    })
}

/// The attributes of an item, and its name where it has one.
pub(crate) fn parts(item: &Item) -> (&[Attribute], Option<&syn::Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
