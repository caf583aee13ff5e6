use super::{CostRange, Size, functions};
use crate::{
    ast::{ACCUMULATOR, Ast, Comprehension, Id, Kind, Literal},
    check::{Checked, Reference},
    decl::Decl,
    library::cost as units,
    program::Variable,
    types::Type,
};
use std::collections::HashMap;

/// What a checked expression costs.
pub(crate) fn estimate(ast: &Ast, checked: &Checked, variables: &[Variable]) -> CostRange {
    let mut estimator = Estimator {
        ast,
        checked,
        variables,
        paths: HashMap::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
        costs: HashMap::new(),
        locals: Vec::new(),
    };
    estimator.cost(ast.root)
}

/// Where in the declared types a value lies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// Nowhere: an expression made it.
    None,
    /// At a declared type.
    Of(&'a Decl),
    /// The key of a map: a string, and nothing is said of its length.
    Key,
    /// Below something declared, where nothing is declared.
    Unknown,
}

/// The sizes of the keys and the values of a list or map that an expression made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    is_list: bool,
    key: Size,
    value: Size,
}

#[derive(Clone, Copy)]
struct Local<'a> {
    name: &'a str,
    place: Place<'a>,
    size: Option<Size>,
    entries: Option<Entries>,
}

pub(super) struct Estimator<'a> {
    pub(super) ast: &'a Ast,
    pub(super) checked: &'a Checked,
    variables: &'a [Variable],
    paths: HashMap<Id, Place<'a>>,
    sizes: HashMap<Id, Size>,
    entries: HashMap<Id, Entries>,
    costs: HashMap<Id, CostRange>,
    locals: Vec<Local<'a>>,
}

impl<'a> Estimator<'a> {
    pub(super) fn type_of(&self, id: Id) -> &'a Type {
        &self.checked.types[id.index()]
    }

    fn cost(&mut self, id: Id) -> CostRange {
        if let Some(known) = self.costs.get(&id) {
            return *known;
        }
        let ast = self.ast;
        let cost = match ast.kind(id) {
            Kind::Literal(_) => CostRange::ZERO,
            Kind::Ident(name) => self.ident(id, name),
            Kind::Select { operand, field, test } => self.select(id, *operand, field, *test),
            Kind::Call { function, target, args } => self.call(id, function, *target, args),
            Kind::List(elements) => {
                let values: Vec<Id> = elements.iter().map(|element| element.value).collect();
                let (cost, value) = self.parts(&values);
                self.entries.insert(id, Entries { is_list: true, key: Size::fixed(1), value });
                cost.plus(CostRange::fixed(units::LIST))
            }
            Kind::Map(entries) => {
                let keys: Vec<Id> = entries.iter().map(|entry| entry.key).collect();
                let values: Vec<Id> = entries.iter().map(|entry| entry.value).collect();
                let (key_cost, key) = self.parts(&keys);
                let (value_cost, value) = self.parts(&values);
                self.entries.insert(id, Entries { is_list: false, key, value });
                key_cost.plus(value_cost).plus(CostRange::fixed(units::MAP))
            }
            Kind::Struct { fields, .. } => fields
                .iter()
                .fold(CostRange::fixed(units::OBJECT), |cost, value| cost.plus(self.cost(*value))),
            Kind::Comprehension(comprehension) if comprehension.bind => self.bind(id, comprehension),
            Kind::Comprehension(comprehension) => self.comprehension(id, comprehension),
        };
        self.costs.insert(id, cost);
        cost
    }

    fn parts(&mut self, ids: &[Id]) -> (CostRange, Size) {
        let mut cost = CostRange::ZERO;
        let mut size = if ids.is_empty() { Size::fixed(0) } else { Size { min: u64::MAX, max: 0 } };
        for id in ids {
            cost = cost.plus(self.cost(*id));
            size = size.union(self.size_or_unknown(*id));
        }
        (cost, size)
    }

    fn local(&self, name: &str) -> Option<&Local<'a>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn ident(&mut self, id: Id, name: &str) -> CostRange {
        let place = match self.local(name) {
            Some(local) => local.place,
            None => self.variable(id),
        };
        self.paths.insert(id, place);
        CostRange::fixed(units::NAME)
    }

    fn variable(&self, id: Id) -> Place<'a> {
        match &self.checked.references[id.index()] {
            Reference::Variable(at) => self.variables[*at].decl().map_or(Place::Unknown, Place::Of),
            Reference::Type(_) => self.root(),
            Reference::None | Reference::Local | Reference::Call { .. } => Place::Unknown,
        }
    }

    /// What cel-go's paths end up at when they begin nowhere.
    fn root(&self) -> Place<'a> {
        self.variables.iter().find_map(Variable::decl).map_or(Place::Unknown, Place::Of)
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) -> CostRange {
        if !matches!(self.checked.references[id.index()], Reference::None) {
            let place = self.variable(id);
            self.paths.insert(id, place);
            return CostRange::fixed(units::NAME);
        }
        let mut cost = self.cost(operand);
        if test {
            return cost;
        }
        if let Type::Map(_) | Type::Object(_) | Type::Param(_) = self.type_of(operand) {
            cost = cost.plus(CostRange::fixed(units::NAME));
        }
        let place = match self.place(operand) {
            Place::None => self.root_after_cut(),
            Place::Of(decl) => {
                let field = decl.as_object().and_then(|object| object.field(field));
                field.map_or(Place::Unknown, |field| Place::Of(&field.decl))
            }
            Place::Key | Place::Unknown => Place::Unknown,
        };
        self.paths.insert(id, place);
        cost
    }

    /// A path of one step: cel-go's estimators of Kubernetes skip the first step of every path.
    fn root_after_cut(&self) -> Place<'a> {
        self.root()
    }

    pub(super) fn place(&self, id: Id) -> Place<'a> {
        if let Kind::Ident(name) = self.ast.kind(id)
            && let Some(local) = self.local(name)
        {
            return local.place;
        }
        self.paths.get(&id).copied().unwrap_or(Place::None)
    }

    fn element_place(&self, of: Id) -> Place<'a> {
        match self.place(of) {
            Place::None => self.root_after_cut(),
            Place::Of(decl) => decl.element().map_or(Place::Unknown, |element| Place::Of(element)),
            Place::Key | Place::Unknown => Place::Unknown,
        }
    }

    fn key_place(&self, of: Id) -> Place<'a> {
        match self.place(of) {
            Place::None => self.root_after_cut(),
            Place::Of(decl) if decl.is_map() => Place::Key,
            Place::Of(_) | Place::Key | Place::Unknown => Place::Unknown,
        }
    }

    fn call(&mut self, id: Id, function: &str, target: Option<Id>, args: &'a [Id]) -> CostRange {
        if function == "dyn"
            && let [arg] = args
        {
            let cost = self.cost(*arg).plus(CostRange::fixed(1));
            self.copy_sizes(id, *arg);
            return cost;
        }
        let arg_costs: Vec<CostRange> = args.iter().map(|arg| self.cost(*arg)).collect();
        let function = match &self.checked.references[id.index()] {
            // `ip.isCanonical` is one name.
            Reference::Call { overloads, .. } => overloads.first().map_or(function, |first| first.name),
            Reference::None | Reference::Variable(_) | Reference::Local | Reference::Type(_) => function,
        };
        let overloads: Vec<&str> = match &self.checked.references[id.index()] {
            Reference::Call { overloads, .. } => overloads.iter().map(|overload| overload.id).collect(),
            // `a.?b`, which is no function of the table.
            Reference::None if function == "_?._" => vec!["select_optional_field"],
            Reference::None | Reference::Variable(_) | Reference::Local | Reference::Type(_) => Vec::new(),
        };
        let namespaced =
            matches!(&self.checked.references[id.index()], Reference::Call { namespaced: true, .. });
        let target = target.filter(|_| !namespaced);
        if overloads.is_empty() {
            return CostRange::ZERO;
        }
        let target_cost = target.map_or(CostRange::ZERO, |target| self.cost(target));
        let mut cost = CostRange { min: u64::MAX, max: 0 };
        let mut result: Option<Size> = None;
        for overload in overloads {
            let call = functions::Call { id, function, overload, target, args, costs: &arg_costs };
            let estimate = functions::estimate(self, &call);
            cost = cost.union(estimate.cost);
            if let Some(size) = estimate.size {
                result = Some(result.map_or(size, |before| before.union(size)));
            }
            if let (Some(list), "index_list" | "index_map") = (args.first(), overload) {
                result = self.entries_of(*list).map(|entries| entries.value);
                let place = self.element_place(*list);
                self.paths.insert(id, place);
            }
            if result.is_none() {
                result = self.size(id);
            }
        }
        if let Some(size) = result {
            self.sizes.insert(id, size);
        }
        target_cost.plus(cost)
    }

    fn bind(&mut self, id: Id, comprehension: &'a Comprehension) -> CostRange {
        let cost = self.cost(comprehension.range).plus(self.cost(comprehension.init));
        self.push(&comprehension.accu, comprehension.init);
        let cost = cost.plus(self.cost(comprehension.result));
        self.copy_sizes(id, comprehension.result);
        self.locals.pop();
        cost
    }

    /// A name for what an expression made.
    fn push(&mut self, name: &'a str, value: Id) {
        let place = self.place(value);
        let (size, entries) = (self.size(value), self.entries_of(value));
        self.locals.push(Local { name, place, size, entries });
    }

    fn comprehension(&mut self, id: Id, comprehension: &'a Comprehension) -> CostRange {
        let range = comprehension.range;
        let cost = self.cost(range).plus(self.cost(comprehension.init));
        self.push(&comprehension.accu, comprehension.init);
        let depth = self.locals.len();
        let entries = self.entries_of(range);
        let is_list = entries.map_or(matches!(self.type_of(range), Type::List(_)), |entries| entries.is_list);
        let key = Local {
            name: &comprehension.variable,
            place: if is_list { self.index_place(range) } else { self.key_place(range) },
            size: entries.map(|entries| entries.key),
            entries: None,
        };
        let value = Local {
            name: &comprehension.variable,
            place: self.element_place(range),
            size: entries.map(|entries| entries.value),
            entries: None,
        };
        match &comprehension.second {
            Some(second) => {
                self.locals.push(key);
                self.locals.push(Local { name: second, ..value });
            }
            None => self.locals.push(if is_list { value } else { key }),
        }
        let each = self.cost(comprehension.condition).plus(self.cost(comprehension.step));
        let step_entries = self.entries_of(comprehension.step);
        self.locals.truncate(depth);
        let cost = cost.plus(self.cost(comprehension.result));
        self.locals.pop();
        let count = self.size_or_unknown(range);
        match self.ast.kind(comprehension.init) {
            Kind::Literal(_) => {
                if let Some(size) = self.size(comprehension.init) {
                    self.sizes.insert(id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(id, count);
                if let Some(entries) = step_entries {
                    self.entries.insert(id, entries);
                }
            }
            Kind::Ident(_)
            | Kind::Select { .. }
            | Kind::Call { .. }
            | Kind::Struct { .. }
            | Kind::Comprehension(_) => {}
        }
        cost.plus(count.times_cost(each))
    }

    /// The number of an element: no step of a declared type is called so.
    fn index_place(&self, of: Id) -> Place<'a> {
        match self.place(of) {
            Place::None => self.root_after_cut(),
            Place::Of(_) | Place::Key | Place::Unknown => Place::Unknown,
        }
    }

    fn copy_sizes(&mut self, to: Id, from: Id) {
        if let Some(size) = self.size(from) {
            self.sizes.insert(to, size);
        }
        if let Some(entries) = self.entries_of(from) {
            self.entries.insert(to, entries);
        }
    }

    pub(super) fn entries_of(&self, id: Id) -> Option<Entries> {
        if let Some(known) = self.entries.get(&id) {
            return Some(*known);
        }
        if let Kind::Ident(name) = self.ast.kind(id) { self.local(name)?.entries } else { None }
    }

    /// What a conditional or a concatenation of two lists has as elements.
    pub(super) fn join_entries(&mut self, id: Id, first: Id, second: Id) {
        if let (Some(a), Some(b)) = (self.entries_of(first), self.entries_of(second)) {
            let joined =
                Entries { is_list: a.is_list, key: a.key.union(b.key), value: a.value.union(b.value) };
            self.entries.insert(id, joined);
        }
    }

    pub(super) fn size_or_unknown(&mut self, id: Id) -> Size {
        self.size(id).unwrap_or(Size::UNKNOWN)
    }

    pub(super) fn size(&mut self, id: Id) -> Option<Size> {
        if let Some(known) = self.sizes.get(&id) {
            return Some(*known);
        }
        if let Some(size) = self.written_size(id) {
            return Some(size);
        }
        let accumulator = matches!(self.ast.kind(id), Kind::Ident(name) if &**name == ACCUMULATOR);
        if let Some(size) = declared_size(self.place(id)) {
            if !accumulator {
                self.sizes.insert(id, size);
            }
            return Some(size);
        }
        if is_scalar(self.type_of(id)) {
            return Some(Size::fixed(1));
        }
        if let Kind::Ident(name) = self.ast.kind(id) { self.local(name)?.size } else { None }
    }

    fn written_size(&self, id: Id) -> Option<Size> {
        let size = match self.ast.kind(id) {
            Kind::Literal(Literal::String(text)) => text.chars().count(),
            Kind::Literal(Literal::Bytes(bytes)) => bytes.len(),
            Kind::Literal(_) => 1,
            Kind::List(elements) => elements.len(),
            Kind::Map(entries) => entries.len(),
            Kind::Ident(_)
            | Kind::Select { .. }
            | Kind::Call { .. }
            | Kind::Struct { .. }
            | Kind::Comprehension(_) => return None,
        };
        Some(Size::fixed(size as u64))
    }

    /// The type of the elements of a list and their size.
    pub(super) fn elements(&self, list: Id) -> Option<(&'a Type, Size)> {
        let Type::List(items) = self.type_of(list) else { return None };
        let place = match self.place(list) {
            Place::None => Place::None,
            Place::Of(_) | Place::Key | Place::Unknown => self.element_place(list),
        };
        Some((items, declared_size(place).unwrap_or(Size::UNKNOWN)))
    }
}

fn declared_size(place: Place<'_>) -> Option<Size> {
    match place {
        Place::Of(decl) => Some(Size { min: 0, max: decl.max_size }),
        Place::Key => Some(Size::fixed(0)),
        Place::None | Place::Unknown => None,
    }
}

fn is_scalar(of: &Type) -> bool {
    match of {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Optional(inner) => is_scalar(inner),
        Type::Dyn
        | Type::Error
        | Type::Null
        | Type::String
        | Type::Bytes
        | Type::List(_)
        | Type::Map(_)
        | Type::Object(_)
        | Type::Type(_)
        | Type::Opaque(_)
        | Type::Param(_) => false,
    }
}
