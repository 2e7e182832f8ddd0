//! Which highlight group a scope of a syntax definition becomes.
//!
//! The groups are Neovim's standard ones, so that code looks here as it does in the user's windows. What a colour scheme
//! hardly ever colours (variables, brackets, commas) gets no mark: marks cost, and most of a line is that.

use std::collections::HashMap;

use syntect::parsing::Scope;

/// The place of a group in [`GROUPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(u8);

impl Group {
    pub(in crate::render) fn of(name: &str) -> Option<Self> {
        let index = GROUPS.iter().position(|group| *group == name)?;
        Some(Self(u8::try_from(index).ok()?))
    }

    pub fn name(self) -> &'static str {
        GROUPS.get(usize::from(self.0)).copied().unwrap_or("")
    }
}

const GROUPS: &[&str] = &[
    "@attribute",
    "@boolean",
    "@character",
    "@comment",
    "@comment.documentation",
    "@constant",
    "@constant.builtin",
    "@constructor",
    "@diff.delta",
    "@diff.minus",
    "@diff.plus",
    "@function",
    "@function.builtin",
    "@function.call",
    "@function.macro",
    "@keyword",
    "@keyword.conditional",
    "@keyword.coroutine",
    "@keyword.directive",
    "@keyword.exception",
    "@keyword.function",
    "@keyword.import",
    "@keyword.modifier",
    "@keyword.operator",
    "@keyword.repeat",
    "@keyword.return",
    "@keyword.type",
    "@label",
    "@markup.heading",
    "@markup.italic",
    "@markup.link.label",
    "@markup.link.url",
    "@markup.list",
    "@markup.quote",
    "@markup.raw",
    "@markup.strong",
    "@module",
    "@number",
    "@operator",
    "@property",
    "@punctuation.special",
    "@string",
    "@string.documentation",
    "@string.escape",
    "@string.regexp",
    "@string.special",
    "@string.special.path",
    "@string.special.symbol",
    "@tag",
    "@tag.attribute",
    "@type",
    "@type.builtin",
    "@variable.builtin",
    "@variable.member",
    "@variable.parameter",
];

/// Scopes by their beginnings; the longest that fits counts. An empty group is plain text, also within a string. A scope
/// that fits none is what the scope around it is.
const SCOPES: &[(&str, &str)] = &[
    // Code within a string, or of another language.
    ("source", ""),
    ("text", ""),
    ("meta.interpolation", ""),
    ("meta.embedded", ""),
    ("meta.template.expression", ""),
    ("meta.group.expansion", ""),
    ("comment", "@comment"),
    ("comment.block.documentation", "@comment.documentation"),
    ("comment.line.documentation", "@comment.documentation"),
    ("constant", "@constant"),
    ("constant.character", "@character"),
    ("constant.character.entity", "@string.escape"),
    ("constant.character.escape", "@string.escape"),
    ("constant.language", "@constant.builtin"),
    ("constant.language.boolean", "@boolean"),
    ("constant.language.makefile", "@operator"),
    ("constant.nil", "@constant.builtin"),
    ("constant.numeric", "@number"),
    ("constant.other.color", "@string.special"),
    ("constant.other.database-name", ""),
    ("constant.other.keywords", "@string.special.symbol"),
    ("constant.other.php", ""),
    ("constant.other.placeholder", "@string.escape"),
    ("constant.other.symbol", "@string.special.symbol"),
    ("constant.other.table-name", ""),
    ("entity.name", ""),
    ("entity.name.class", "@type"),
    ("entity.name.constant", "@constant"),
    ("entity.name.enum", "@type"),
    ("entity.name.function", "@function"),
    ("entity.name.function.constructor", "@constructor"),
    ("entity.name.impl", "@type"),
    ("entity.name.interface", "@type"),
    ("entity.name.label", "@label"),
    ("entity.name.macro", "@function.macro"),
    ("entity.name.module", "@module"),
    ("entity.name.namespace", "@module"),
    ("entity.name.other.anchor", "@label"),
    ("entity.name.section", "@markup.heading"),
    ("entity.name.struct", "@type"),
    ("entity.name.table", "@module"),
    ("entity.name.tag", "@tag"),
    ("entity.name.tag.toml", "@property"),
    ("entity.name.tag.yaml", "@property"),
    ("entity.name.trait", "@type"),
    ("entity.name.type", "@type"),
    ("entity.name.union", "@type"),
    ("entity.name.val", ""),
    ("entity.other.attribute-name", "@tag.attribute"),
    ("entity.other.inherited-class", "@type"),
    ("entity.other.pseudo", "@attribute"),
    ("entity.type.function", "@function"),
    ("keyword", "@keyword"),
    ("keyword.constant.boolean", "@boolean"),
    ("keyword.control.block", "@keyword"),
    ("keyword.control.conditional", "@keyword.conditional"),
    ("keyword.control.directive", "@keyword.directive"),
    ("keyword.control.exception", "@keyword.exception"),
    ("keyword.control.flow.alias", "@label"),
    ("keyword.control.flow.raise", "@keyword.exception"),
    ("keyword.control.flow.return", "@keyword.return"),
    ("keyword.control.from", "@keyword.import"),
    ("keyword.control.import", "@keyword.import"),
    ("keyword.control.loop", "@keyword.repeat"),
    ("keyword.control.property.anchor", "@label"),
    ("keyword.control.return", "@keyword.return"),
    ("keyword.control.trycatch", "@keyword.exception"),
    ("keyword.declaration.doctype", "@constant"),
    ("keyword.declaration.function", "@keyword.function"),
    ("keyword.declaration.function.arrow", "@operator"),
    ("keyword.operator", "@operator"),
    ("keyword.operator.declaration.kotlin", ""),
    ("keyword.operator.dot", ""),
    ("keyword.operator.expression", "@keyword.operator"),
    ("keyword.operator.logical.continue", ""),
    ("keyword.operator.new", "@keyword.operator"),
    ("keyword.operator.optional", ""),
    ("keyword.operator.type.annotation", ""),
    ("keyword.operator.word", "@keyword.operator"),
    ("keyword.other.block", "@punctuation.special"),
    ("keyword.other.import", "@keyword.import"),
    ("keyword.other.package", "@keyword.import"),
    ("keyword.other.unit", "@number"),
    ("markup.bold", "@markup.strong"),
    ("markup.changed", "@diff.delta"),
    ("markup.deleted", "@diff.minus"),
    ("markup.heading", "@markup.heading"),
    ("markup.inserted", "@diff.plus"),
    ("markup.italic", "@markup.italic"),
    ("markup.quote", "@markup.quote"),
    ("markup.raw", "@markup.raw"),
    ("markup.underline.link", "@markup.link.url"),
    ("meta.diff.header", "@string.special.path"),
    ("meta.header", "@string.special.path"),
    ("meta.link.inline.description", "@markup.link.label"),
    ("meta.object-literal.key", "@property"),
    ("meta.range", "@label"),
    ("punctuation.decorator", "@attribute"),
    ("punctuation.definition.annotation", "@attribute"),
    ("punctuation.definition.interpolation", "@punctuation.special"),
    ("punctuation.definition.list_item", "@markup.list"),
    ("punctuation.definition.template-expression", "@punctuation.special"),
    ("punctuation.section.expansion", "@punctuation.special"),
    ("punctuation.section.interpolation", "@punctuation.special"),
    ("storage.function", "@keyword"),
    ("storage.modifier", "@keyword.modifier"),
    ("storage.modifier.async", "@keyword.coroutine"),
    ("storage.modifier.conversion", "@string.escape"),
    ("storage.modifier.lifetime", "@label"),
    ("storage.type", "@type.builtin"),
    ("storage.type.class", "@keyword.type"),
    ("storage.type.enum", "@keyword.type"),
    ("storage.type.function", "@keyword.function"),
    ("storage.type.function.arrow", "@operator"),
    ("storage.type.impl", "@keyword"),
    ("storage.type.interface", "@keyword.type"),
    ("storage.type.keyword", "@keyword"),
    ("storage.type.keyword.function", "@keyword.function"),
    ("storage.type.module", "@keyword"),
    ("storage.type.namespace", "@keyword"),
    ("storage.type.string", "@string"),
    ("storage.type.struct", "@keyword.type"),
    ("storage.type.template", "@keyword"),
    ("storage.type.trait", "@keyword.type"),
    ("storage.type.type", "@keyword.type"),
    ("string", "@string"),
    ("string.documentation", "@string.documentation"),
    ("string.regexp", "@string.regexp"),
    ("string.unquoted.key.lua", "@property"),
    ("string.unquoted.makefile", ""),
    ("support", "@constant.builtin"),
    ("support.class", "@type"),
    ("support.constant", "@constant.builtin"),
    ("support.function", "@function.call"),
    ("support.function.any-method", "@function.call"),
    ("support.function.builtin", "@function.builtin"),
    ("support.function.viml", "@keyword"),
    ("support.macro", "@function.macro"),
    ("support.module", "@module"),
    ("support.other.module", "@module"),
    ("support.punctuation", "@punctuation.special"),
    ("support.type", "@type"),
    ("support.type.builtin", "@type.builtin"),
    ("support.type.custom-property", "@property"),
    ("support.type.module", "@module"),
    ("support.type.package", "@module"),
    ("support.type.primitive", "@type.builtin"),
    ("support.type.property-name", "@property"),
    ("support.type.viml", "@string.special"),
    ("support.variable", "@variable.builtin"),
    ("support.variable.property", "@variable.member"),
    ("variable", ""),
    ("variable.annotation", "@attribute"),
    ("variable.function", "@function.call"),
    ("variable.language", "@variable.builtin"),
    ("variable.object.property", "@variable.member"),
    ("variable.other.constant", "@constant"),
    ("variable.other.member", "@variable.member"),
    ("variable.parameter", "@variable.parameter"),
    ("variable.parameter.makefile", ""),
    ("variable.parameter.option", "@variable.parameter"),
];

/// A string directly within one of these is a key.
const KEYS: &[&str] = &["meta.mapping.key", "meta.object-literal.key"];

/// Definitions call a type and the word that introduces one alike.
const INTRODUCING: &[&str] = &[
    "auto",
    "class",
    "const",
    "constructor",
    "enum",
    "function",
    "interface",
    "let",
    "message",
    "namespace",
    "resource",
    "static",
    "struct",
    "type",
    "typedef",
    "typename",
    "union",
    "val",
    "var",
];

const TRUTHS: &[&str] = &["true", "false", "True", "False", "TRUE", "FALSE"];

/// Words that the definition of a language is too old to know: scope of the language, word, group.
const MISSING: &[(&str, &str, &str)] = &[
    ("source.rust", "async", "@keyword.coroutine"),
    ("source.rust", "await", "@keyword.coroutine"),
    ("source.rust", "dyn", "@keyword.modifier"),
    ("source.rust", "try", "@keyword"),
    ("source.rust", "yield", "@keyword"),
    ("source.ts", "satisfies", "@keyword.operator"),
    ("source.tsx", "satisfies", "@keyword.operator"),
];

/// The tables above, as the parser's scopes.
pub(super) struct Groups {
    scopes: Vec<(Scope, Option<Group>)>,
    keys: Vec<Scope>,
    missing: Vec<(Scope, &'static str, Group)>,
    property: Option<Group>,
    string: Option<Group>,
    keyword: Option<Group>,
    builtin_type: Option<Group>,
    builtin_constant: Option<Group>,
    boolean: Option<Group>,
    operator: Option<Group>,
    word_operator: Option<Group>,
    /// What has been looked up: there are a few hundred different ones.
    known: HashMap<Scope, Verdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Group(Group),
    Plain,
    /// As what is around it.
    Outer,
}

impl Groups {
    pub(super) fn new() -> Self {
        let scope = |name: &str| Scope::new(name).ok();
        Self {
            scopes: SCOPES.iter().filter_map(|(name, to)| Some((scope(name)?, Group::of(to)))).collect(),
            keys: KEYS.iter().filter_map(|name| scope(name)).collect(),
            missing: MISSING
                .iter()
                .filter_map(|(name, word, to)| Some((scope(name)?, *word, Group::of(to)?)))
                .collect(),
            property: Group::of("@property"),
            string: Group::of("@string"),
            keyword: Group::of("@keyword"),
            builtin_type: Group::of("@type.builtin"),
            builtin_constant: Group::of("@constant.builtin"),
            boolean: Group::of("@boolean"),
            operator: Group::of("@operator"),
            word_operator: Group::of("@keyword.operator"),
            known: HashMap::new(),
        }
    }

    /// The group of a piece of text within these scopes, the innermost last.
    pub(super) fn of(&mut self, stack: &[Scope], text: &str) -> Option<Group> {
        for (depth, scope) in stack.iter().enumerate().rev() {
            match self.verdict(*scope) {
                Verdict::Outer => {}
                Verdict::Plain => return None,
                Verdict::Group(group) => {
                    let around = depth.checked_sub(1).and_then(|outer| stack.get(outer));
                    let is_key = around.is_some_and(|around| self.keys.iter().any(|key| key.is_prefix_of(*around)));
                    return match Some(group) {
                        found if found == self.string && is_key => self.property,
                        found if found == self.builtin_type && INTRODUCING.contains(&text.trim()) => self.keyword,
                        found if found == self.builtin_constant && TRUTHS.contains(&text) => self.boolean,
                        found if found == self.operator && text.trim().starts_with(char::is_alphabetic) => {
                            self.word_operator
                        }
                        found => found,
                    };
                }
            }
        }
        None
    }

    /// Words of a plain piece of text that are none: each with its place in it.
    pub(super) fn missing(&self, language: Scope, text: &str, mut found: impl FnMut(usize, usize, Group)) {
        if !self.missing.iter().any(|(scope, ..)| *scope == language) {
            return;
        }
        let mut at = 0;
        for word in text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
            let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let entry = self.missing.iter().find(|(scope, missing, _)| *scope == language && *missing == bare);
            if let Some((_, _, group)) = entry {
                found(at, at + bare.len(), *group);
            }
            at += word.len();
        }
    }

    fn verdict(&mut self, scope: Scope) -> Verdict {
        if let Some(known) = self.known.get(&scope) {
            return *known;
        }
        let fitting = self.scopes.iter().filter(|(prefix, _)| prefix.is_prefix_of(scope));
        let verdict = match fitting.max_by_key(|(prefix, _)| prefix.len()) {
            Some((_, Some(group))) => Verdict::Group(*group),
            Some((_, None)) => Verdict::Plain,
            None => Verdict::Outer,
        };
        self.known.insert(scope, verdict);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_the_tables_is_a_group_that_has_a_number() {
        let named = SCOPES.iter().map(|(_, group)| *group).chain(MISSING.iter().map(|(_, _, group)| *group));
        for name in named.filter(|name| !name.is_empty()) {
            assert_eq!(Group::of(name).map(Group::name), Some(name), "{name} is missing in GROUPS");
        }
        assert!(GROUPS.is_sorted(), "and they are easy to find");
        assert!(SCOPES[6..].is_sorted(), "as are the scopes");
    }

    #[test]
    fn every_scope_of_the_tables_can_be_read() {
        let groups = Groups::new();
        assert_eq!((groups.scopes.len(), groups.keys.len()), (SCOPES.len(), KEYS.len()));
        assert_eq!(groups.missing.len(), MISSING.len());
    }

    #[test]
    fn the_most_specific_scope_counts_and_what_fits_none_is_as_what_is_around_it() {
        let mut groups = Groups::new();
        let mut check = |scopes: &[&str], expect: &str| {
            let stack: Vec<Scope> = scopes.iter().map(|scope| Scope::new(scope).expect("a scope")).collect();
            assert_eq!(groups.of(&stack, "x").map_or("", Group::name), expect, "{scopes:?}");
        };
        check(&["source.x", "string.quoted.x"], "@string");
        check(&["source.x", "string.quoted.x", "punctuation.definition.string.begin.x"], "@string");
        check(&["source.x", "string.quoted.x", "constant.character.escape.x"], "@string.escape");
        check(&["source.x", "string.quoted.x", "meta.interpolation.x", "variable.other.x"], "");
        check(&["source.x", "string.quoted.x", "source.x.embedded"], "");
        check(&["source.x", "meta.mapping.key.x", "string.quoted.x"], "@property");
        check(&["source.x"], "");
        check(&[], "");
    }
}
