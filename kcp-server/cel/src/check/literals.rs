use crate::{
    ast::{Ast, Kind, Literal},
    go_regex,
    source::Problem,
    time,
};

/// Literals that can only be wrong are refused before anything is evaluated.
pub(super) fn check(ast: &Ast, problems: &mut Vec<Problem>) {
    for node in &ast.nodes {
        let Kind::Call { function, args, .. } = &node.kind else { continue };
        let arg = match &**function {
            "duration" | "timestamp" | "matches" => args.first(),
            _ => None,
        };
        let Some(arg) = arg else { continue };
        let wrong = match (&**function, ast.kind(*arg)) {
            ("duration", Kind::Literal(Literal::String(text))) => time::parse_duration(text).is_err(),
            ("timestamp", Kind::Literal(Literal::String(text))) => time::Timestamp::parse(text).is_err(),
            ("timestamp", Kind::Literal(Literal::Int(seconds))) => {
                time::Timestamp::new(*seconds, 0).is_none()
            }
            ("matches", Kind::Literal(Literal::String(pattern))) => go_regex::check(pattern).is_err(),
            _ => false,
        };
        if wrong {
            problems
                .push(Problem { at: Some(ast.at(*arg)), message: format!("invalid {function} argument") });
        }
    }
}
