//! Reads a source file: what each module declares, imports and mentions. Code that only tests have is left out.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItem, ImplItemConst, ImplItemFn, Item, ItemConst, ItemEnum, ItemFn, ItemImpl,
    ItemMacro, ItemMod, ItemStatic, ItemStruct, ItemTrait, ItemType, ItemUse, UseTree, Visibility,
};

/// Names parted by `::`.
pub(crate) type Path = Vec<String>;

/// One module's text: a file, or `mod NAME { }` within one.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// What is defined here by its name.
    pub(crate) items: Vec<String>,
    /// `mod NAME { }`.
    pub(crate) modules: Vec<(String, Source)>,
    /// Modules in files of their own that only tests have.
    pub(crate) test_files: Vec<String>,
    /// What `use` brings: the name that it has here, and where it is from.
    pub(crate) imports: Vec<(String, Path)>,
    /// `use PATH::*`.
    pub(crate) globs: Vec<Path>,
    /// Paths that something here needs. `pub use` needs nothing: it hands on.
    pub(crate) mentions: Vec<Path>,
    /// Words of macros that make items: a table that declares modules names them here.
    pub(crate) rows: Vec<String>,
}

impl Source {
    /// # Errors
    ///
    /// Text that is no Rust.
    pub(crate) fn parse(text: &str) -> syn::Result<Self> {
        let mut source = Self::default();
        source.visit_file(&syn::parse_file(text)?);
        Ok(source)
    }

    fn import(&mut self, tree: &UseTree, before: &[String], hands_on: bool) {
        let joined = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (name, path) = match tree {
            UseTree::Path(path) => {
                return self.import(&path.tree, &joined(&path.ident), hands_on);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, hands_on);
                }
                return;
            }
            UseTree::Glob(_) => return self.globs.push(before.to_vec()),
            UseTree::Name(name) if name.ident == "self" => (before.last(), before.to_vec()),
            UseTree::Name(name) => (Some(&name.ident.to_string()), joined(&name.ident)),
            UseTree::Rename(name) if name.ident == "self" => {
                (Some(&name.rename.to_string()), before.to_vec())
            }
            UseTree::Rename(name) => (Some(&name.rename.to_string()), joined(&name.ident)),
        };
        if !hands_on {
            self.mentions.push(path.clone());
        }
        self.imports.extend(name.map(|name| (name.clone(), path)));
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Const(ItemConst { attrs, ident, .. })
            | Item::Enum(ItemEnum { attrs, ident, .. })
            | Item::Mod(ItemMod { attrs, ident, .. })
            | Item::Static(ItemStatic { attrs, ident, .. })
            | Item::Struct(ItemStruct { attrs, ident, .. })
            | Item::Trait(ItemTrait { attrs, ident, .. })
            | Item::Type(ItemType { attrs, ident, .. }) => (attrs, Some(ident)),
            Item::Fn(ItemFn { attrs, sig, .. }) => (attrs, Some(&sig.ident)),
            Item::Macro(ItemMacro { attrs, ident, .. }) => (attrs, ident.as_ref()),
            Item::Impl(ItemImpl { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => (attrs, None),
            _ => return visit::visit_item(self, item),
        };
        let name = name.map(ToString::to_string);
        match (item, name) {
            (Item::Mod(module), Some(name)) if of_tests(attributes) => {
                if module.content.is_none() {
                    self.test_files.push(name);
                }
            }
            _ if of_tests(attributes) => {}
            (Item::Mod(module), Some(name)) => {
                if let Some((_, items)) = &module.content {
                    let mut inner = Self::default();
                    items.iter().for_each(|item| inner.visit_item(item));
                    self.modules.push((name, inner));
                }
            }
            (_, name) => {
                self.items.extend(name);
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let (ImplItem::Const(ImplItemConst { attrs, .. }) | ImplItem::Fn(ImplItemFn { attrs, .. })) =
            item
        else {
            return visit::visit_impl_item(self, item);
        };
        if !of_tests(attrs) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let hands_on = !matches!(item.vis, Visibility::Inherited);
        self.import(&item.tree, &[], hands_on);
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        let mut paths = Vec::new();
        read_paths(&item.mac.tokens, &mut paths);
        if item.ident.is_none() {
            let words = paths.iter().filter(|path| path.len() == 1);
            self.rows.extend(words.map(|path| path[0].clone()));
        }
        self.mentions.extend(paths);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        read_paths(&called.tokens, &mut self.mentions);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.mentions.push(names.collect());
        visit::visit_path(self, path);
    }

    /// An attribute's words are those of whoever reads it.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// `pub(in PATH)` needs nothing of that place.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// `#[cfg(test)]`.
fn of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// The paths among words whose grammar only a macro knows. What follows a dot is a field or a method, what follows `$` a
/// macro's own name.
fn read_paths(tokens: &TokenStream, into: &mut Vec<Path>) {
    let mut path = Path::new();
    let mut colons = 0;
    let mut last = ' ';
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                path.push(name.to_string());
                (colons, last) = (0, ' ');
            }
            TokenTree::Punct(sign) if sign.as_char() == ':' => {
                colons += 1;
                last = ':';
            }
            other => {
                into.extend((!path.is_empty()).then(|| std::mem::take(&mut path)));
                let of_another = colons == 2 || matches!(last, '.' | '\'' | '$');
                (colons, last) = (0, ' ');
                match other {
                    TokenTree::Ident(name) if !of_another || name == "crate" => {
                        path.push(name.to_string());
                    }
                    TokenTree::Punct(sign) => last = sign.as_char(),
                    TokenTree::Group(group) => read_paths(&group.stream(), into),
                    TokenTree::Ident(_) | TokenTree::Literal(_) => {}
                }
            }
        }
    }
    into.extend((!path.is_empty()).then_some(path));
}
