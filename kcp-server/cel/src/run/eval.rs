use super::{
    Fault, Meter,
    plan::{Base, Call, Node, NodeId, Plan},
};
use crate::{
    library::{self, Op},
    value::{Key, List, Map, Val, equal},
};
use smallvec::SmallVec;
use std::sync::Arc;

/// One evaluation of a plan.
pub(crate) struct Run<'a, 'b, 'm> {
    pub(super) plan: &'a Plan,
    pub(super) inputs: &'b [Result<Val<'a>, String>],
    /// The variables of comprehensions.
    pub(super) slots: Vec<Val<'a>>,
    /// What a bound name stands for, until somebody asks for it.
    pub(super) lazy: Vec<Option<NodeId>>,
    pub(super) meter: &'b mut Meter<'m>,
}

impl<'a, 'b, 'm> Run<'a, 'b, 'm> {
    pub(crate) fn new(
        plan: &'a Plan,
        inputs: &'b [Result<Val<'a>, String>],
        meter: &'b mut Meter<'m>,
    ) -> Self {
        Self { plan, inputs, slots: vec![Val::Null; plan.slots], lazy: vec![None; plan.slots], meter }
    }

    pub(crate) fn whole(&mut self) -> Result<Val<'a>, Fault> {
        self.eval(self.plan.root)
    }

    pub(super) fn eval(&mut self, id: NodeId) -> Result<Val<'a>, Fault> {
        let plan = self.plan;
        match plan.node(id) {
            Node::Const(value) => Ok(value.clone()),
            Node::Attribute(attribute) => self.attribute(attribute),
            Node::Conditional(condition, yes, no) => match self.eval(*condition)? {
                Val::Bool(true) => self.eval(*yes),
                Val::Bool(false) => self.eval(*no),
                _ => Err(Fault::error("no such overload")),
            },
            Node::And(left, right) => self.logical(*left, *right, false),
            Node::Or(left, right) => self.logical(*left, *right, true),
            Node::Equals { left, right, negated, at } => {
                let (left, right) = match (self.absorbed(*left)?, self.absorbed(*right)?) {
                    (Ok(left), Ok(right)) => (left, right),
                    (Err(fault), Ok(value)) | (Ok(value), Err(fault)) => {
                        self.meter.charge(u64::from(value.size() != Some(0)))?;
                        return Err(fault);
                    }
                    (Err(fault), Err(_)) => {
                        self.meter.charge(1)?;
                        return Err(fault);
                    }
                };
                self.equals(&left, &right)
                    .map(|same| Val::Bool(same != *negated))
                    .map_err(|fault| fault.at(*at))
            }
            Node::OneOf { value, list } => {
                let value = self.eval(*value)?;
                self.one_of(&value, *list)
            }
            Node::Binary { op, exact, left, right, at } => {
                let (left, right) = self.both(*left, *right)?;
                self.binary(*op, *exact, left, right).map_err(|fault| fault.at(*at))
            }
            Node::Call(call) => self.call(call),
            Node::OptionalOr { left, right, value } => match self.eval(*left)? {
                Val::Optional(None) => self.eval(*right),
                Val::Optional(Some(inner)) if *value => Ok((*inner).clone()),
                other => Ok(other),
            },
            Node::List(elements) => self.list(elements),
            Node::Map(entries, at) => self.map(entries).map_err(|fault| fault.at(*at)),
            Node::Append { slot, value } => self.append(*slot, *value),
            Node::Insert { slot, key, value, at } => {
                self.insert(*slot, *key, *value).map_err(|fault| fault.at(*at))
            }
            Node::Fold(fold) => self.fold(fold),
            Node::Bind { slot, init, result } => {
                self.lazy[usize::from(*slot)] = Some(*init);
                self.eval(*result)
            }
        }
    }

    pub(super) fn base(&mut self, base: Base) -> Result<Val<'a>, Fault> {
        match base {
            Base::Variable(at) => match self.inputs.get(usize::from(at)) {
                Some(Ok(value)) => Ok(value.clone()),
                Some(Err(message)) => Err(Fault::error(message.clone())),
                None => Err(Fault::error("no such attribute")),
            },
            Base::Slot(at) => {
                let at = usize::from(at);
                if let Some(init) = self.lazy[at].take() {
                    match self.eval(init) {
                        Ok(value) => self.slots[at] = value,
                        Err(fault) => {
                            self.lazy[at] = Some(init);
                            return Err(fault);
                        }
                    }
                }
                Ok(self.slots[at].clone())
            }
            Base::Node(node) => self.eval(node),
        }
    }

    /// Both sides of an operator. Like cel-go, which counts what it does, it evaluates the second one and
    /// charges for the operator even when the first one failed.
    fn both(&mut self, left: NodeId, right: NodeId) -> Result<(Val<'a>, Val<'a>), Fault> {
        let left = self.eval(left);
        if let Err(Fault::OverBudget | Fault::Cancelled) = left {
            return left.map(|left| (left, Val::Null));
        }
        match (left, self.eval(right)) {
            (Ok(left), Ok(right)) => Ok((left, right)),
            (_, Err(stop @ (Fault::OverBudget | Fault::Cancelled))) => Err(stop),
            (Err(fault), _) | (Ok(_), Err(fault)) => {
                self.meter.charge(1)?;
                Err(fault)
            }
        }
    }

    /// A value or an error; a stop ends everything.
    fn absorbed(&mut self, id: NodeId) -> Result<Result<Val<'a>, Fault>, Fault> {
        match self.eval(id) {
            Ok(value) => Ok(Ok(value)),
            Err(Fault::Error(error)) => Ok(Err(Fault::Error(error))),
            Err(stop) => Err(stop),
        }
    }

    /// `&&` and `||`: the side that decides makes an error of the other side unimportant.
    fn logical(&mut self, left: NodeId, right: NodeId, decides: bool) -> Result<Val<'a>, Fault> {
        let left = match truth(self.eval(left))? {
            Ok(truth) if truth == decides => return Ok(Val::Bool(decides)),
            other => other,
        };
        match (left, truth(self.eval(right))?) {
            (_, Ok(truth)) if truth == decides => Ok(Val::Bool(decides)),
            (Ok(_), Ok(_)) => Ok(Val::Bool(!decides)),
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
        }
    }

    fn equals(&mut self, left: &Val<'_>, right: &Val<'_>) -> Result<bool, Fault> {
        self.meter.charge(library::cost::equality(left, right))?;
        equal(left, right, self.meter)
    }

    fn one_of(&mut self, value: &Val<'_>, list: NodeId) -> Result<Val<'a>, Fault> {
        let Node::Const(Val::List(list)) = self.plan.node(list) else { return Ok(Val::Bool(false)) };
        if let Val::Tree(..) | Val::Opaque(_) = value {
            return Ok(Val::Bool(false));
        }
        for item in &list.items {
            if equal(item, value, self.meter)? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }

    fn binary(&mut self, op: Op, exact: bool, left: Val<'a>, right: Val<'a>) -> Result<Val<'a>, Fault> {
        // What most rules do, without a detour.
        if let (Val::Int(a), Val::Int(b)) = (&left, &right) {
            let known = match op {
                Op::LessEquals => Some(Val::Bool(a <= b)),
                Op::Less => Some(Val::Bool(a < b)),
                Op::GreaterEquals => Some(Val::Bool(a >= b)),
                Op::Greater => Some(Val::Bool(a > b)),
                // Overflow takes the long way.
                Op::Add => a.checked_add(*b).map(Val::Int),
                Op::Subtract => a.checked_sub(*b).map(Val::Int),
                Op::Multiply => a.checked_mul(*b).map(Val::Int),
                _ => None,
            };
            if let Some(value) = known {
                self.meter.charge(1)?;
                return Ok(value);
            }
        }
        let args = [left, right];
        self.meter.charge(if exact { library::cost::call(op, &args) } else { 1 })?;
        library::operator(op, &args, self.meter)
    }

    fn call(&mut self, call: &'a Call) -> Result<Val<'a>, Fault> {
        let mut args: SmallVec<[Val<'a>; 3]> = SmallVec::new();
        let mut failed = None;
        for arg in &call.args {
            match self.absorbed(*arg)? {
                Ok(value) => args.push(value),
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        if let Some(fault) = failed {
            self.meter.charge(1)?;
            return Err(fault);
        }
        let cost = if call.exact {
            library::cost::call(call.op, &args)
        } else {
            library::cost::unsure(call.op, &args)
        };
        self.meter.charge(cost)?;
        match library::call(call.op, &args, self.meter) {
            Ok(value) => {
                self.meter.charge(library::cost::after(call.op, &value))?;
                Ok(value)
            }
            Err(fault) => {
                self.meter.charge(library::cost::after(call.op, &Val::Null))?;
                Err(library::named(fault, &call.function, &args).at(call.at))
            }
        }
    }

    fn list(&mut self, elements: &[(NodeId, bool)]) -> Result<Val<'a>, Fault> {
        let mut items = Vec::with_capacity(elements.len());
        for (node, optional) in elements {
            match (self.eval(*node)?, optional) {
                (value, false) => items.push(value),
                (Val::Optional(None), true) => {}
                (Val::Optional(Some(inner)), true) => items.push((*inner).clone()),
                (other, true) => {
                    return Err(Fault::error(format!(
                        "cannot initialize optional list element from non-optional value {}",
                        library::shown(&other)
                    )));
                }
            }
        }
        self.meter.charge(library::cost::LIST)?;
        Ok(Val::list(items))
    }

    fn map(&mut self, entries: &[(NodeId, NodeId, bool)]) -> Result<Val<'a>, Fault> {
        let mut map = Map::default();
        for (key, value, optional) in entries {
            let (key, mut value) = (self.eval(*key)?, self.eval(*value)?);
            if *optional {
                value = match value {
                    Val::Optional(None) => continue,
                    Val::Optional(Some(inner)) => (*inner).clone(),
                    other => {
                        return Err(Fault::error(format!(
                            "cannot initialize optional entry '{}' from non-optional value {}",
                            library::shown(&key),
                            library::shown(&other)
                        )));
                    }
                };
            }
            let Some(key) = Key::of(&key) else {
                return Err(Fault::error(format!("unsupported key type: {}", key.type_name())));
            };
            self.meter.work(1 + map.len() as u64 / 64)?;
            map.add(key, value).map_err(duplicate)?;
        }
        self.meter.charge(library::cost::MAP)?;
        Ok(Val::Map(Arc::new(map)))
    }

    fn append(&mut self, slot: u16, value: NodeId) -> Result<Val<'a>, Fault> {
        self.meter.charge(library::cost::NAME)?;
        let value = self.absorbed(value)?;
        self.meter.charge(library::cost::LIST + 1)?;
        let value = value?;
        let Val::List(mut list) = std::mem::take(&mut self.slots[usize::from(slot)]) else {
            return Err(Fault::error("no such overload"));
        };
        match Arc::get_mut(&mut list) {
            Some(list) => list.items.push(value),
            None => {
                self.meter.work(list.items.len() as u64)?;
                let mut items = list.items.clone();
                items.push(value);
                list = Arc::new(List { items, decl: list.decl });
            }
        }
        Ok(Val::List(list))
    }

    fn insert(&mut self, slot: u16, key: Option<NodeId>, value: NodeId) -> Result<Val<'a>, Fault> {
        self.meter.charge(library::cost::NAME)?;
        let key = key.map(|key| self.eval(key)).transpose()?;
        let value = self.absorbed(value)?;
        self.meter.charge(1)?;
        let value = value?;
        let Val::Map(mut map) = std::mem::take(&mut self.slots[usize::from(slot)]) else {
            return Err(Fault::error("no such overload"));
        };
        let more: Vec<(Val<'a>, Val<'a>)> = match key {
            Some(key) => vec![(key, value)],
            None => value
                .keys()
                .into_iter()
                .map(|key| {
                    let member = value.get(&key).map_err(Fault::error)?.unwrap_or_default();
                    Ok((key, member))
                })
                .collect::<Result<_, Fault>>()?,
        };
        self.meter.work(more.len() as u64 * (1 + map.len() as u64 / 64))?;
        let members = Arc::make_mut(&mut map);
        for (key, value) in more {
            let Some(key) = Key::of(&key) else {
                return Err(Fault::error(format!("unsupported key type: {}", key.type_name())));
            };
            members.add(key, value).map_err(|key| {
                Fault::error(format!("insert failed: key {} already exists", library::shown(&key.to_val())))
            })?;
        }
        Ok(Val::Map(map))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what an insertion gives back")]
fn duplicate(key: Key<'_>) -> Fault {
    Fault::error(format!("Failed with repeated key {}", library::shown(&key.to_val())))
}

/// A truth or an error that may be absorbed; a stop is given up the way it is.
pub(super) fn truth(value: Result<Val<'_>, Fault>) -> Result<Result<bool, Fault>, Fault> {
    match value {
        Ok(Val::Bool(truth)) => Ok(Ok(truth)),
        Ok(_) => Ok(Err(Fault::error("no such overload"))),
        Err(Fault::Error(error)) => Ok(Err(Fault::Error(error))),
        Err(stop) => Err(stop),
    }
}

/// A conversion of a literal.
pub(super) fn convert(op: Op, value: Val<'static>, meter: &mut Meter<'_>) -> Result<Val<'static>, Fault> {
    library::call(op, &[value], meter)
}
