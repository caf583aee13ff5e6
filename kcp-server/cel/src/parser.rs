//! Tokens to a tree. The grammar is CEL's; operators are calls of functions such as `_+_`.

use crate::{
    ast::{Ast, Element, Entry, Expr, Id, Kind, Literal},
    environment::Environment,
    lexer::{self, Lexeme, Token},
    macros,
    source::{Problem, Problems},
};
use std::borrow::Cow;

/// Longest expression, in characters; as cel-go's.
pub(crate) const MAX_LENGTH: usize = 100_000;
/// Deepest nesting of expressions; as cel-go's.
const MAX_DEPTH: u32 = 250;
/// Most nodes that macros may make of an expression.
const MAX_NODES: usize = 1 << 18;

/// Names that are no variables.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "null",
    "return",
    "true",
    "var",
    "void",
    "while",
];
const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                       STRING, BYTES, IDENTIFIER}";

/// Parses an expression and expands its macros.
pub(crate) fn parse(source: &str, environment: &Environment) -> Result<Ast, Problems> {
    let length = source.chars().count();
    if length > MAX_LENGTH {
        let message = format!("expression code point size exceeds limit: size: {length}, limit {MAX_LENGTH}");
        return Err(Problems::new(source.get(..0).unwrap_or_default(), vec![Problem { at: None, message }]));
    }
    let (tokens, mut problems) = lexer::tokens(source);
    let mut parser = Parser {
        tokens,
        next: 0,
        depth: 0,
        nodes: Vec::with_capacity(16),
        heights: Vec::with_capacity(16),
        problems: Vec::new(),
        environment,
    };
    let root = parser.whole();
    problems.append(&mut parser.problems);
    match root {
        Ok(root) if problems.is_empty() => Ok(Ast { nodes: parser.nodes, root }),
        Ok(_) | Err(Abort) => Err(Problems::new(source, problems)),
    }
}

/// The problem is written down already, and what follows cannot be read.
pub(crate) struct Abort;

pub(crate) struct Parser<'s> {
    tokens: Vec<Lexeme<'s>>,
    next: usize,
    depth: u32,
    nodes: Vec<Expr>,
    /// For each node how deep the tree below it is.
    heights: Vec<u32>,
    problems: Vec<Problem>,
    pub(crate) environment: &'s Environment,
}

impl<'s> Parser<'s> {
    fn whole(&mut self) -> Result<Id, Abort> {
        let root = self.expression()?;
        if self.peek().token == Token::End {
            return Ok(root);
        }
        let found = self.peek().clone();
        // ANTLR leaves out one token if what follows is what it wants.
        let last = self.tokens.get(self.next + 1).is_some_and(|next| next.token == Token::End);
        let what = if last { "extraneous" } else { "mismatched" };
        self.fail(found.at, format!("Syntax error: {what} input '{}' expecting <EOF>", found.text))
    }

    fn peek(&self) -> &Lexeme<'s> {
        &self.tokens[self.next]
    }

    fn advance(&mut self) -> Lexeme<'s> {
        let lexeme = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        lexeme
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek().token, Token::Symbol(found) if found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> Option<u32> {
        self.is(symbol).then(|| self.advance().at)
    }

    fn expect(&mut self, symbol: &str) -> Result<u32, Abort> {
        match self.eat(symbol) {
            Some(at) => Ok(at),
            // ANTLR puts in one token if what follows can come after it.
            None if self.peek().token == Token::End && symbol != ":" => {
                self.fail(self.peek().at, format!("Syntax error: missing '{symbol}' at '<EOF>'"))
            }
            None => self.unexpected(&format!("'{symbol}'")),
        }
    }

    /// Between parts: a comma, or the end.
    fn separator(&mut self, end: &str) -> Result<(), Abort> {
        match self.eat(",") {
            Some(_) => Ok(()),
            None => self.unexpected(&format!("{{'{end}', ','}}")),
        }
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Result<T, Abort> {
        let found = self.peek().clone();
        self.fail(found.at, format!("Syntax error: mismatched input '{}' expecting {wanted}", found.text))
    }

    fn fail<T>(&mut self, at: u32, message: String) -> Result<T, Abort> {
        self.problem(at, message);
        Err(Abort)
    }

    pub(crate) fn problem(&mut self, at: u32, message: String) {
        self.problems.push(Problem { at: Some(at), message });
    }

    /// Adds a node. One that makes the tree too deep ends the parsing.
    pub(crate) fn add(&mut self, at: u32, kind: Kind) -> Result<Id, Abort> {
        let height = 1 + self.height_below(&kind);
        if height > MAX_DEPTH {
            return self.too_deep();
        }
        if self.nodes.len() >= MAX_NODES {
            return self.fail(at, format!("expression has more than {MAX_NODES} parts"));
        }
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Expr { at, kind });
        self.heights.push(height);
        Ok(id)
    }

    fn too_deep<T>(&mut self) -> Result<T, Abort> {
        let message = format!("expression recursion limit exceeded: {MAX_DEPTH}");
        self.problems.push(Problem { at: None, message });
        Err(Abort)
    }

    fn height_below(&self, kind: &Kind) -> u32 {
        let mut most = 0;
        kind.parts(|id| most = most.max(self.heights[id.index()]));
        most
    }

    pub(crate) fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id.index()].kind
    }

    pub(crate) fn at(&self, id: Id) -> u32 {
        self.nodes[id.index()].at
    }

    pub(crate) fn call(
        &mut self,
        at: u32,
        function: impl Into<Cow<'static, str>>,
        args: Vec<Id>,
    ) -> Result<Id, Abort> {
        self.add(at, Kind::Call { function: function.into(), target: None, args })
    }

    fn expression(&mut self) -> Result<Id, Abort> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.too_deep();
        }
        let condition = self.logical("||", "_||_")?;
        let whole = match self.eat("?") {
            None => condition,
            Some(at) => {
                let yes = self.logical("||", "_||_")?;
                self.expect(":")?;
                let no = self.expression()?;
                self.call(at, "_?_:_", vec![condition, yes, no])?
            }
        };
        self.depth -= 1;
        Ok(whole)
    }

    /// `a || b || c`, as a tree that is as flat as it can be.
    fn logical(&mut self, symbol: &'static str, function: &'static str) -> Result<Id, Abort> {
        let mut terms = vec![self.conjunct(symbol)?];
        let mut operators = Vec::new();
        while let Some(at) = self.eat(symbol) {
            operators.push(at);
            terms.push(self.conjunct(symbol)?);
        }
        self.balanced(&terms, &operators, function)
    }

    fn conjunct(&mut self, symbol: &str) -> Result<Id, Abort> {
        if symbol == "||" { self.logical("&&", "_&&_") } else { self.relation() }
    }

    fn balanced(&mut self, terms: &[Id], operators: &[u32], function: &'static str) -> Result<Id, Abort> {
        if let [only] = terms {
            return Ok(*only);
        }
        let middle = operators.len() / 2;
        let left = self.balanced(&terms[..=middle], &operators[..middle], function)?;
        let right = self.balanced(&terms[middle + 1..], &operators[middle + 1..], function)?;
        self.call(operators[middle], function, vec![left, right])
    }

    fn relation(&mut self) -> Result<Id, Abort> {
        const RELATIONS: [(&str, &str); 7] = [
            ("<", "_<_"),
            ("<=", "_<=_"),
            (">=", "_>=_"),
            (">", "_>_"),
            ("==", "_==_"),
            ("!=", "_!=_"),
            ("in", "@in"),
        ];
        self.left_to_right(&RELATIONS, |parser| {
            const SUMS: [(&str, &str); 2] = [("+", "_+_"), ("-", "_-_")];
            parser.left_to_right(&SUMS, |parser| {
                const PRODUCTS: [(&str, &str); 3] = [("*", "_*_"), ("/", "_/_"), ("%", "_%_")];
                parser.left_to_right(&PRODUCTS, Self::unary)
            })
        })
    }

    fn left_to_right(
        &mut self,
        operators: &[(&'static str, &'static str)],
        operand: impl Fn(&mut Self) -> Result<Id, Abort>,
    ) -> Result<Id, Abort> {
        let mut left = operand(self)?;
        while let Token::Symbol(symbol) = self.peek().token
            && let Some((_, function)) = operators.iter().find(|(operator, _)| *operator == symbol)
        {
            let at = self.advance().at;
            let right = operand(self)?;
            left = self.call(at, *function, vec![left, right])?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Id, Abort> {
        for (symbol, function) in [("!", "!_"), ("-", "-_")] {
            let Some(at) = self.eat(symbol) else { continue };
            if symbol == "-" && matches!(self.peek().token, Token::Int | Token::Double) {
                let number = self.number("-", at)?;
                return self.members(number);
            }
            let mut odd = true;
            while self.eat(symbol).is_some() {
                odd = !odd;
            }
            let operand = if symbol == "!" && self.is("-") { self.unary()? } else { self.member()? };
            return if odd { self.call(at, function, vec![operand]) } else { Ok(operand) };
        }
        self.member()
    }

    fn member(&mut self) -> Result<Id, Abort> {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut operand: Id) -> Result<Id, Abort> {
        loop {
            if let Some(at) = self.eat(".") {
                operand = self.selected(operand, at)?;
            } else if let Some(at) = self.eat("[") {
                let optional = self.optional_syntax(at, "unsupported syntax '[?'")?;
                let index = self.expression()?;
                self.expect("]")?;
                let function = if optional { "_[?_]" } else { "_[_]" };
                operand = self.call(at, function, vec![operand, index])?;
            } else {
                return Ok(operand);
            }
        }
    }

    fn optional_syntax(&mut self, at: u32, message: &str) -> Result<bool, Abort> {
        let optional = self.eat("?").is_some();
        if optional && !self.environment.optionals() {
            return self.fail(at, message.to_owned());
        }
        Ok(optional)
    }

    fn selected(&mut self, operand: Id, at: u32) -> Result<Id, Abort> {
        let optional = self.optional_syntax(at, "unsupported syntax '.?'")?;
        let name = self.advance();
        let field: Box<str> = match &name.token {
            Token::Ident => name.text.into(),
            Token::Escaped if self.environment.escaped_names() => name.text.trim_matches('`').into(),
            Token::Escaped => return self.fail(name.at, "unsupported syntax: '`'".to_owned()),
            Token::Int | Token::Uint | Token::Double | Token::Text(_) | Token::Symbol(_) | Token::End => {
                let text = if name.token == Token::End { "" } else { name.text };
                let message = format!("Syntax error: no viable alternative at input '.{text}'");
                return self.fail(name.at, message);
            }
        };
        if matches!(&*field, "true" | "false" | "null") && name.token == Token::Ident {
            let message = format!("Syntax error: mismatched input '{field}' expecting IDENTIFIER");
            return self.fail(name.at, message);
        }
        if optional {
            let field = self.add(name.at, Kind::Literal(Literal::String(field)))?;
            return self.call(at, "_?._", vec![operand, field]);
        }
        if let Some(open) = self.eat("(") {
            let args = self.arguments()?;
            return macros::expand(self, open, field, Some(operand), args);
        }
        self.add(at, Kind::Select { operand, field, test: false })
    }

    fn arguments(&mut self) -> Result<Vec<Id>, Abort> {
        let mut args = Vec::new();
        if self.eat(")").is_some() {
            return Ok(args);
        }
        if self.peek().token == Token::End {
            return self.unexpected(&OPERAND.replacen("'.'", "')', '.'", 1));
        }
        loop {
            args.push(self.expression()?);
            if self.eat(")").is_some() {
                return Ok(args);
            }
            self.separator(")")?;
        }
    }

    fn primary(&mut self) -> Result<Id, Abort> {
        let first = self.peek().clone();
        match first.token {
            Token::Int | Token::Uint | Token::Double => self.number("", first.at),
            Token::Text(literal) => {
                self.advance();
                self.add(first.at, Kind::Literal(literal))
            }
            Token::Ident => self.named("", first.at),
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol("[") => self.list(),
            Token::Symbol("{") => self.map(),
            Token::Symbol(".") => {
                self.advance();
                if self.peek().token == Token::Ident {
                    self.named(".", first.at)
                } else {
                    self.unexpected("IDENTIFIER")
                }
            }
            Token::Symbol(_) | Token::Escaped | Token::End => self.unexpected(OPERAND),
        }
    }

    fn number(&mut self, sign: &str, at: u32) -> Result<Id, Abort> {
        let lexeme = self.advance();
        let digits = lexeme.text.trim_end_matches(['u', 'U']);
        let literal = match lexeme.token {
            Token::Double => format!("{sign}{digits}")
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Literal::Double)
                .ok_or("invalid double literal"),
            Token::Uint => radix(digits)
                .and_then(|(digits, radix)| u64::from_str_radix(digits, radix).ok())
                .map(Literal::Uint)
                .ok_or("invalid uint literal"),
            Token::Int | Token::Ident | Token::Escaped | Token::Text(_) | Token::Symbol(_) | Token::End => {
                radix(digits)
                    .and_then(|(digits, radix)| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok())
                    .map(Literal::Int)
                    .ok_or("invalid int literal")
            }
        };
        match literal {
            Ok(literal) => self.add(at, Kind::Literal(literal)),
            Err(message) => {
                self.problem(at, message.to_owned());
                self.add(at, Kind::Literal(Literal::Null))
            }
        }
    }

    /// What begins with a name: a variable, a call, a literal word or an object with its type.
    fn named(&mut self, dot: &str, at: u32) -> Result<Id, Abort> {
        let name = self.advance();
        let literal = match name.text {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            return self.add(at, Kind::Literal(literal));
        }
        if let Some(id) = self.object(dot, name.text)? {
            return Ok(id);
        }
        if RESERVED.contains(&name.text) {
            self.problem(at, format!("reserved identifier: {}", name.text));
        }
        if let Some(open) = self.eat("(") {
            let args = self.arguments()?;
            return macros::expand(self, open, format!("{dot}{}", name.text).into(), None, args);
        }
        self.add(name.at, Kind::Ident(format!("{dot}{}", name.text).into()))
    }

    /// `a.b.C{x: 1}`, if that is what follows the first name.
    fn object(&mut self, dot: &str, first: &str) -> Result<Option<Id>, Abort> {
        let mut ahead = self.next;
        let symbol = |at: usize, wanted: &str| matches!(self.tokens.get(at).map(|lexeme| &lexeme.token), Some(Token::Symbol(found)) if *found == wanted);
        let mut name = format!("{dot}{first}");
        while symbol(ahead, ".") && self.tokens.get(ahead + 1).is_some_and(|next| next.token == Token::Ident)
        {
            name.push('.');
            name.push_str(self.tokens[ahead + 1].text);
            ahead += 2;
        }
        if !symbol(ahead, "{") {
            return Ok(None);
        }
        self.next = ahead;
        let open = self.advance().at;
        let mut fields = Vec::new();
        while self.eat("}").is_none() {
            if !fields.is_empty() {
                self.separator("}")?;
                if self.eat("}").is_some() {
                    break;
                }
            }
            let at = self.peek().at;
            self.optional_syntax(at, "unsupported syntax '?'")?;
            let field = self.advance();
            if !matches!(field.token, Token::Ident | Token::Escaped) {
                self.next -= 1;
                return self.unexpected("IDENTIFIER");
            }
            self.expect(":")?;
            fields.push(self.expression()?);
        }
        self.add(open, Kind::Struct { name: name.into(), fields }).map(Some)
    }

    fn list(&mut self) -> Result<Id, Abort> {
        let open = self.advance().at;
        let mut elements = Vec::new();
        while self.eat("]").is_none() {
            if !elements.is_empty() {
                self.separator("]")?;
                if self.eat("]").is_some() {
                    break;
                }
            } else if self.eat(",").is_some() {
                self.expect("]")?;
                break;
            }
            let at = self.peek().at;
            let optional = self.optional_syntax(at, "unsupported syntax '?'")?;
            elements.push(Element { value: self.expression()?, optional });
        }
        self.add(open, Kind::List(elements))
    }

    fn map(&mut self) -> Result<Id, Abort> {
        let open = self.advance().at;
        let mut entries = Vec::new();
        while self.eat("}").is_none() {
            if !entries.is_empty() {
                self.separator("}")?;
                if self.eat("}").is_some() {
                    break;
                }
            } else if self.eat(",").is_some() {
                self.expect("}")?;
                break;
            }
            let at = self.peek().at;
            let optional = self.optional_syntax(at, "unsupported syntax '?'")?;
            let key = self.expression()?;
            self.expect(":")?;
            entries.push(Entry { key, value: self.expression()?, optional });
        }
        self.add(open, Kind::Map(entries))
    }
}

fn radix(digits: &str) -> Option<(&str, u32)> {
    match digits.strip_prefix("0x") {
        Some(digits) => Some((digits, 16)),
        None => Some((digits, 10)),
    }
}

#[cfg(test)]
mod tests;
