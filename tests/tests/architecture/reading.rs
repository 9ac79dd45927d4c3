//! What one file mentions, read from its syntax: `use` trees, paths in types and expressions, and those seen in the tokens of macros.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

use crate::sources::{Mention, Module, child};
use crate::syntax::{Leaf, is_for_tests, leaves, parts};

/// A module that a `mod` item says to look for in a file of its own.
pub(crate) struct Declared(pub(crate) String);

/// Adds the modules that stand in this file, and returns those that it declares elsewhere.
pub(crate) fn modules_in(
    path: &str,
    file: &Path,
    syntax: &syn::File,
    modules: &mut BTreeMap<String, Module>,
) -> Vec<Declared> {
    let mut reader = Reader {
        path: path.to_owned(),
        file,
        module: Module {
            file: file.to_owned(),
            ..Module::default()
        },
        modules,
        declared: Vec::new(),
    };
    reader.visit_file(syntax);
    let Reader { module, declared, .. } = reader;
    modules.insert(path.to_owned(), module);
    declared
}

struct Reader<'a> {
    path: String,
    file: &'a Path,
    module: Module,
    modules: &'a mut BTreeMap<String, Module>,
    declared: Vec<Declared>,
}

impl Reader<'_> {
    fn mention(&mut self, path: Vec<String>, span: Span) {
        let line = span.start().line;
        self.module.mentions.push(Mention { path, line });
    }

    fn nested(&mut self, name: &str, items: &[Item]) {
        let path = child(&self.path, name);
        let outer = std::mem::replace(&mut self.path, path);
        let file = self.file.to_owned();
        let empty = Module {
            file,
            ..Module::default()
        };
        let outside = std::mem::replace(&mut self.module, empty);
        for item in items {
            self.visit_item(item);
        }
        let path = std::mem::replace(&mut self.path, outer);
        let inside = std::mem::replace(&mut self.module, outside);
        self.modules.insert(path, inside);
    }

    /// A `use` in a function counts as one of its module.
    fn import(&mut self, leaf: Leaf, binds: bool) {
        match leaf.name {
            Some(name) if binds => drop(self.module.imports.insert(name, leaf.path.clone())),
            None if binds => self.module.globs.push(leaf.path.clone()),
            _ => {}
        }
        self.mention(leaf.path, leaf.span);
    }

    /// Paths in tokens that nobody has parsed: `a::b`, and `use a::{b, c}` as well.
    fn scan(&mut self, tokens: TokenStream) {
        let trees: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            at += 1;
            let TokenTree::Ident(first) = tree else {
                if let TokenTree::Group(group) = tree {
                    self.scan(group.stream());
                }
                continue;
            };
            let mut path = vec![first.unraw().to_string()];
            while is_colon(trees.get(at)) && is_colon(trees.get(at + 1)) {
                match trees.get(at + 2) {
                    Some(TokenTree::Ident(name)) => path.push(name.unraw().to_string()),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                        let tree = syn::parse2::<UseTree>(TokenTree::Group(group.clone()).into());
                        let leaves = tree.into_iter().flat_map(|tree| leaves(&tree, path.clone()));
                        leaves.for_each(|leaf| self.import(leaf, false));
                        path.clear();
                    }
                    _ => break,
                }
                at += 3;
            }
            if path.len() > 1 {
                self.mention(path, first.span());
            }
        }
    }
}

impl Visit<'_> for Reader<'_> {
    fn visit_item(&mut self, item: &Item) {
        let (attributes, name) = parts(item);
        if is_for_tests(attributes) {
            return;
        }
        match item {
            Item::Mod(module) => match &module.content {
                Some((_, items)) => self.nested(&module.ident.unraw().to_string(), items),
                None => self
                    .declared
                    .push(Declared(child(&self.path, &module.ident.unraw().to_string()))),
            },
            Item::Use(item) => leaves(&item.tree, Vec::new())
                .into_iter()
                .for_each(|leaf| self.import(leaf, true)),
            _ => {
                self.module.items.extend(name.map(|name| name.unraw().to_string()));
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_impl_item(&mut self, item: &syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_local(&mut self, local: &syn::Local) {
        if !is_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.unraw().to_string())
            .collect();
        // A single name is a local one, or an import that is mentioned where it stands.
        if names.len() > 1 {
            let first = path.segments.first().map(|part| part.ident.span());
            self.mention(names, first.unwrap_or_else(Span::call_site));
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::x)` uses nothing.
    fn visit_vis_restricted(&mut self, _: &syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &syn::Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    /// The path of a serde attribute stands in a string.
    fn visit_attribute(&mut self, attribute: &Attribute) {
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            let strings = list.tokens.clone().into_iter().filter_map(|tree| match tree {
                TokenTree::Literal(text) => syn::parse2::<syn::LitStr>(TokenTree::from(text).into()).ok(),
                _ => None,
            });
            let paths = strings.filter_map(|text| text.parse::<syn::Path>().ok());
            paths.for_each(|path| self.visit_path(&path));
            self.scan(list.tokens.clone());
        }
    }
}

fn is_colon(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Punct(mark)) if mark.as_char() == ':')
}
