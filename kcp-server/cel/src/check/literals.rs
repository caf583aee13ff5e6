//! What is wrong with literals, beyond types. It is told before anything is evaluated.

use crate::{
    ast::{Ast, Id, Kind, Literal},
    environment::Environment,
    go_regex, library,
    source::Problem,
    time,
    types::Type,
};

pub(super) fn check(ast: &Ast, types: &[Type], environment: Environment) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !environment.checks_literals() {
        return problems;
    }
    for node in &ast.nodes {
        if let Kind::Call { function, target, args } = &node.kind {
            argument(ast, function, args, &mut problems);
            if let (Some(target), "format") = (target, &**function) {
                format(ast, types, node.at, *target, args, &mut problems);
            }
        }
    }
    if !environment.mixes_types() {
        let mut mixed = Mixed { ast, types, seen: vec![false; ast.nodes.len()], problems: &mut problems };
        mixed.look(ast.root);
    }
    problems
}

/// Literals that can only be wrong.
fn argument(ast: &Ast, function: &str, args: &[Id], problems: &mut Vec<Problem>) {
    let Some(arg) = args.first() else { return };
    let Kind::Literal(literal) = ast.kind(*arg) else { return };
    let wrong = match (function, literal) {
        ("duration", Literal::String(text)) => time::parse_duration(text).is_err(),
        ("timestamp", Literal::String(text)) => time::Timestamp::parse(text).is_err(),
        ("timestamp", Literal::Int(seconds)) => time::Timestamp::new(*seconds, 0).is_none(),
        ("matches", Literal::String(pattern)) => go_regex::check(pattern).is_err(),
        _ => false,
    };
    if wrong {
        problems.push(Problem { at: Some(ast.at(*arg)), message: format!("invalid {function} argument") });
    }
}

/// `'%d'.format(['a'])`: too few or too many values, or some that cannot be written so.
fn format(ast: &Ast, types: &[Type], at: u32, target: Id, args: &[Id], problems: &mut Vec<Problem>) {
    let (Kind::Literal(Literal::String(pattern)), [args]) = (ast.kind(target), args) else { return };
    let Kind::List(values) = ast.kind(*args) else { return };
    let mut problem = |at, message| problems.push(Problem { at: Some(at), message });
    let verbs = match library::format_verbs(pattern) {
        Ok(verbs) => verbs,
        Err(message) => return problem(at, message),
    };
    for (index, verb) in verbs.iter().enumerate() {
        let Some(value) = values.get(index) else {
            return problem(at, format!("index {index} out of range"));
        };
        if let Err(message) = library::format_takes(*verb, &types[value.value.index()]) {
            return problem(ast.at(value.value), format!("error during formatting: {message}"));
        }
    }
    if values.len() > verbs.len() {
        let (wanted, given) = (verbs.len(), values.len());
        problem(at, format!("too many arguments supplied to string.format (expected {wanted}, got {given})"));
    }
}

/// Finds lists and maps that mix types. What is given to `format` may.
struct Mixed<'a, 'p> {
    ast: &'a Ast,
    types: &'a [Type],
    seen: Vec<bool>,
    problems: &'p mut Vec<Problem>,
}

impl Mixed<'_, '_> {
    fn look(&mut self, id: Id) {
        if std::mem::replace(&mut self.seen[id.index()], true) {
            return;
        }
        let ast = self.ast;
        match ast.kind(id) {
            Kind::Call { function, .. } if function == "format" => return,
            Kind::List(elements) => {
                let mut first = None;
                for element in elements {
                    if !self.same(&mut first, element.value, element.optional) {
                        break;
                    }
                }
            }
            Kind::Map(entries) => {
                let (mut keys, mut values) = (None, None);
                for entry in entries {
                    self.same(&mut keys, entry.key, false);
                    self.same(&mut values, entry.value, entry.optional);
                }
            }
            Kind::Literal(_)
            | Kind::Ident(_)
            | Kind::Select { .. }
            | Kind::Call { .. }
            | Kind::Struct { .. }
            | Kind::Comprehension(_) => {}
        }
        ast.kind(id).parts(|part| self.look(part));
    }

    fn same(&mut self, first: &mut Option<Type>, id: Id, optional: bool) -> bool {
        let of = &self.types[id.index()];
        let of = if optional { of.unwrapped().0 } else { of };
        let first = first.get_or_insert_with(|| of.clone());
        let same = first == of;
        if !same {
            let message = format!("expected type '{first}' but found '{of}'");
            self.problems.push(Problem { at: Some(self.ast.at(id)), message });
        }
        same
    }
}
