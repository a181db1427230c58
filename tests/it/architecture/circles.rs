//! Circles between the modules of a crate: modules that stand side by side depend on each other in one direction only.
//!
//! A module and its own submodules count as one, so a parent may use its child and a child its parent. Tests and
//! comments are left out; a name that is only passed on by `pub use` counts for the module that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::{sources, without_tests};

/// The source folders whose modules must be without circles.
const CHECKED: [&str; 17] = [
    "engine/core/src",
    "engine/runtime/src",
    "engine/application/src",
    "engine/research/src",
    "engine/cli/src",
    "strategies/src",
    "strategies/legacy/src",
    "journal/store/src",
    "models/inference/src",
    "models/training/src",
    "replay/history/src",
    "replay/statistics/src",
    "replay/simulation/src",
    "replay/replayer/src",
    "replay/regimes/src",
    "replay/report/src",
    "replay/export/src",
];

type Module = Vec<String>;

/// The modules of one crate with their code.
#[derive(Default)]
struct Tree {
    modules: BTreeMap<Module, String>,
    /// For each module the names that it passes on, and the paths they stand for.
    passed_on: BTreeMap<Module, BTreeMap<String, String>>,
}

impl Tree {
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut tree = Self::default();
        let mut for_tests: Vec<Module> = Vec::new();
        for (path, text) in files {
            let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|name| ["lib", "main", "mod"].contains(&name.as_str())) {
                module.pop();
            }
            for_tests.extend(test_modules(text).map(|name| child(&module, name)));
            tree.modules.insert(module, code_alone(text));
        }
        tree.modules.retain(|module, _| !for_tests.iter().any(|tests| module.starts_with(tests)));
        for (module, code) in &tree.modules {
            let public = uses(code).into_iter().filter(|found| found.is_public);
            let names = public.flat_map(|found| leaves(&found.tree)).map(|leaf| {
                let defined = leaf.rsplit("::").next().unwrap_or_default().to_owned();
                (defined, leaf)
            });
            tree.passed_on.insert(module.clone(), names.collect());
        }
        tree
    }

    /// The module that defines what `path`, written in `from`, names; `None` for what another crate defines.
    fn resolve(&self, from: &Module, path: &str, passes: usize) -> Option<Module> {
        let mut segments = path.split("::").filter(|segment| !segment.is_empty()).peekable();
        let mut at = match *segments.peek()? {
            "crate" => {
                segments.next();
                Module::new()
            }
            "self" => {
                segments.next();
                from.clone()
            }
            "super" => {
                let mut at = from.clone();
                while segments.next_if_eq(&"super").is_some() {
                    at.pop();
                }
                at
            }
            first if self.modules.contains_key(&child(from, first)) => from.clone(),
            _ => return None,
        };
        while let Some(next) = segments.next_if(|name| self.modules.contains_key(&child(&at, name))) {
            at.push(next.to_owned());
        }
        let defined = segments.peek().and_then(|name| self.passed_on.get(&at)?.get(*name));
        let defined = defined.filter(|_| passes < 5);
        Some(defined.and_then(|path| self.resolve(&at, path, passes + 1)).unwrap_or(at))
    }

    /// Which sibling uses which, and one place where it does.
    fn edges(&self) -> BTreeMap<Module, BTreeMap<Module, String>> {
        let mut edges: BTreeMap<Module, BTreeMap<Module, String>> = BTreeMap::new();
        for (module, code) in &self.modules {
            for path in paths(code) {
                let Some(used) = self.resolve(module, &path, 0) else { continue };
                let shared = module.iter().zip(&used).take_while(|(ours, theirs)| ours == theirs).count();
                if shared < module.len() && shared < used.len() {
                    let (from, to) = (module[..=shared].to_vec(), used[..=shared].to_vec());
                    let place = format!("{} uses {path}", module.join("::"));
                    edges.entry(from).or_default().entry(to).or_insert(place);
                }
            }
        }
        edges
    }

    /// Every circle as the uses along it, shortest way round first found.
    fn circles(&self) -> Vec<Vec<String>> {
        let edges = self.edges();
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for start in edges.keys().filter(|start| !edges[*start].is_empty()) {
            let Some(way) = way_back(&edges, start) else { continue };
            if way.iter().any(|module| told.contains(module)) {
                continue;
            }
            let next = way.iter().skip(1).chain(way.first());
            circles.push(way.iter().zip(next).map(|(from, to)| edges[from][to].clone()).collect());
            told.extend(way);
        }
        circles
    }
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The shortest way from `start` along the edges back to it, without naming it twice.
fn way_back(edges: &BTreeMap<Module, BTreeMap<Module, String>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let nexts = edges.get(way.last()?).into_iter().flat_map(BTreeMap::keys);
        for next in nexts {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back(way.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

/// The names of the modules in files of their own that a file declares for tests only.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let pairs = text.lines().zip(text.lines().skip(1));
    let declared = pairs.filter(|(line, _)| line.trim() == "#[cfg(test)]");
    declared.filter_map(|(_, next)| next.trim().split_once("mod ")?.1.strip_suffix(';'))
}

/// The text of a file without its tests, its comments and what stands in quotes.
fn code_alone(text: &str) -> String {
    let mut code = String::new();
    for line in without_tests(text).lines() {
        let mut quoted = false;
        let mut before = ' ';
        for character in line.split("//").next().unwrap_or_default().chars() {
            if character == '"' && before != '\\' {
                quoted = !quoted;
            } else if !quoted {
                code.push(character);
            }
            before = character;
        }
        code.push('\n');
    }
    code
}

struct Use {
    is_public: bool,
    tree: String,
}

/// The `use` declarations of a module, white space left out.
fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].trim_end_matches(' ');
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let is_public = line.starts_with("pub");
        if !(line.is_empty() || is_public) {
            continue;
        }
        let tree = code[at + 4..].split(';').next().unwrap_or_default();
        let tree = tree.replace(" as ", "%").split_whitespace().collect();
        found.push(Use { is_public, tree });
    }
    found
}

/// The single paths of a `use` tree, names given by `as` left out.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        return vec![tree.split('%').next().unwrap_or_default().to_owned()];
    };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let mut parts = vec![String::new()];
    let mut depth = 0_i32;
    for character in group.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        match parts.last_mut() {
            Some(part) if character != ',' || depth > 0 => part.push(character),
            _ => parts.push(String::new()),
        }
    }
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.flat_map(|part| leaves(&format!("{prefix}{part}"))).collect()
}

/// Every path of the crate that a module names: in `use` declarations and in its code.
fn paths(code: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = uses(code).iter().flat_map(|declared| leaves(&declared.tree)).collect();
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    for word in code.split(|character| !is_part(character)) {
        if ["crate::", "super::", "self::"].iter().any(|begin| word.starts_with(begin)) {
            found.insert(word.trim_end_matches(':').to_owned());
        }
    }
    found
}

#[test]
fn no_modules_depend_on_each_other_in_a_circle() {
    for folder in CHECKED {
        let root = super::root().join(folder);
        let files = sources(folder);
        assert!(!files.is_empty(), "{folder} has no sources");
        let named = files.iter().map(|(path, text)| {
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
            (path, text.as_str())
        });
        let circles = Tree::of(named).circles();
        assert!(circles.is_empty(), "{folder}: {circles:#?}");
    }
}

#[test]
fn a_circle_is_found_and_a_line_is_not() {
    let line = [
        ("lib.rs", "pub mod order;\npub mod fill;\npub mod state;"),
        ("order.rs", "use crate::fill::{Fill, TradeId};\nuse std::fmt;"),
        ("fill.rs", "use serde::Serialize;"),
        ("state.rs", "mod fold;\nuse crate::order::Order;"),
        ("state/fold.rs", "use super::State;\nuse crate::fill::Fill;"),
    ];
    assert_eq!(Tree::of(line).circles(), Vec::<Vec<String>>::new());

    let round = [("fill.rs", "fn of(state: &crate::state::State) {}")];
    let found = Tree::of(line.into_iter().chain(round)).circles();
    assert_eq!(found, [["fill uses crate::state::State", "state::fold uses crate::fill::Fill"]]);
}

#[test]
fn circles_are_found_below_the_first_level_and_through_three_modules() {
    let files = [
        ("risk.rs", "mod gate;\nmod price;\nmod worth;"),
        ("risk/gate.rs", "use super::price::Price;"),
        ("risk/price.rs", "use crate::risk::{worth::{Worth, self}, gate as _};"),
        ("risk/worth.rs", "use super::gate;"),
    ];
    let found = Tree::of(files).circles();
    assert_eq!(found.len(), 1);
    assert!(found[0].iter().all(|place| place.starts_with("risk::")), "{found:?}");
}

#[test]
fn a_name_that_is_passed_on_counts_for_the_module_that_defines_it() {
    let files = [
        ("venue.rs", "pub use crate::report::Report;\nuse crate::ledger::Ledger;"),
        ("report.rs", ""),
        ("ledger.rs", "use crate::venue::Report;"),
    ];
    assert!(Tree::of(files).circles().is_empty());
    let own = files.map(|(path, text)| (path, text.trim_start_matches("pub use crate::report::Report;\n")));
    assert_eq!(Tree::of(own).circles().len(), 1);
}

#[test]
fn tests_and_comments_make_no_circle() {
    let comments = "// use crate::a::A;\n/// As [`crate::a::A`].\nfn b() {}\n";
    let tests = "#[cfg(test)]\npub(crate) mod samples;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n";
    let code = format!("{comments}{tests}");
    let files = [
        ("a.rs", "use crate::b::B;"),
        ("b.rs", code.as_str()),
        ("b/samples.rs", "use crate::a::A;"),
        ("b/samples/deep.rs", "use crate::a::A;"),
    ];
    assert!(Tree::of(files).circles().is_empty());
    let untested = files.map(|(path, text)| if path == "b.rs" { (path, comments) } else { (path, text) });
    assert_eq!(Tree::of(untested).circles().len(), 1, "what is not declared for tests counts");
}
