use super::{Op, Outcome};
use crate::{
    authorizer::{About, Question, Resource},
    value::{OpaqueVal, Val},
};

/// Questions to an authorizer.
pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    let [Val::Opaque(value), rest @ ..] = args else { return None };
    match (&**value, rest) {
        (OpaqueVal::Question(question), [Val::String(text)]) => asked(op, question, text),
        (OpaqueVal::Question(question), [Val::String(namespace), Val::String(name)])
            if op == Op::AuthServiceAccount && question.about == About::Nothing =>
        {
            let mut asked = question.clone();
            asked.service_account = Some((namespace.to_string(), name.to_string()));
            made(asked)
        }
        (OpaqueVal::Decision(decision), []) => Some(Ok(match op {
            Op::AuthAllowed => Val::Bool(decision.allowed),
            Op::AuthReason => Val::text(&*decision.reason),
            Op::AuthErrored => Val::Bool(!decision.error.is_empty()),
            Op::AuthError => Val::text(&*decision.error),
            _ => return None,
        })),
        _ => None,
    }
}

fn made<'a>(question: Question) -> Outcome<'a> {
    Some(Ok(Val::opaque(OpaqueVal::Question(question))))
}

fn asked<'a>(op: Op, question: &Question, text: &str) -> Outcome<'a> {
    let text = text.to_owned();
    match (op, &question.about) {
        (Op::AuthPath, About::Nothing) => made(question.about(About::Path(text))),
        (Op::AuthGroup, About::Nothing) => made(question.about(About::Group(text))),
        (Op::AuthResource, About::Group(group)) => {
            let resource = Resource { group: group.clone(), resource: text, ..Resource::default() };
            made(question.about(About::Resource(Box::new(resource))))
        }
        (Op::AuthCheck, About::Path(_) | About::Resource(_)) => {
            Some(Ok(Val::opaque(OpaqueVal::Decision(question.check(&text)))))
        }
        (op, About::Resource(resource)) => {
            let mut resource = resource.clone();
            match op {
                Op::AuthSubresource => resource.subresource = text,
                Op::AuthNamespace => resource.namespace = text,
                Op::AuthName => resource.name = text,
                Op::AuthFieldSelector => resource.field_selector = Some(text),
                Op::AuthLabelSelector => resource.label_selector = Some(text),
                _ => return None,
            }
            made(question.about(About::Resource(resource)))
        }
        _ => None,
    }
}
