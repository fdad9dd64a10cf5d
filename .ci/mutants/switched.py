"""Rust sources in which both forms stand where a mutant stands, and a switch chooses one."""

import collections
import re

import tree_sitter
import tree_sitter_rust

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# What a crate with switches needs, at the end of its lib.rs.
SWITCH = b'''
mod mutant {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static CHOSEN: LazyLock<Option<usize>> =
        LazyLock::new(|| std::env::var("TOKENFLEET_MUTANT").ok()?.parse().ok());
    static LOG: LazyLock<Option<std::ffi::OsString>> =
        LazyLock::new(|| std::env::var_os("TOKENFLEET_MUTANTS_REACHED"));
    static REACHED: [AtomicBool; 4096] = [const { AtomicBool::new(false) }; 4096];

    pub(crate) fn is(number: usize) -> bool {
        if let Some(log) = &*LOG
            && !REACHED[number].swap(true, Ordering::Relaxed)
            && let Ok(mut log) = std::fs::OpenOptions::new().append(true).open(log)
        {
            let _ = std::io::Write::write_all(&mut log, format!("{number}\\n").as_bytes());
        }
        *CHOSEN == Some(number)
    }
}
'''

# The syntax that each genre of cargo-mutants changes.
NODES = {
    "FnValue": ["function_item"],
    "BinaryOperator": ["binary_expression", "compound_assignment_expr"],
    "UnaryOperator": ["unary_expression"],
    "MatchArm": ["match_arm"],
    "MatchArmGuard": ["match_arm"],
    "StructField": ["struct_expression"],
}
CONSTANT = ("const_item", "static_item", "macro_definition", "enum_variant")


def is_chosen(number):
    return b"crate::mutant::is(%d)" % number


def enclosing(node, kinds):
    """Returns the innermost node of these kinds around a node, if there is one."""
    while node and node.type not in kinds:
        node = node.parent
    return node


def is_constant(node):
    function = enclosing(node, ["function_item"])
    modifiers = [child for child in function.children if child.type == "function_modifiers"] if function else []
    return enclosing(node, CONSTANT) is not None or any(b"const" in child.text for child in modifiers)


class Switched:
    """A file with the mutants that were placed in it."""

    def __init__(self, source):
        self.source = source
        self.lines = [0] + [newline.end() for newline in re.finditer(b"\n", source)]
        self.root = parser.parse(source).root_node
        self.placed = collections.defaultdict(list)  # id of a node: its mutants

    def offset(self, position):
        """Returns the byte at a line and a column, which counts characters."""
        start = self.lines[position["line"] - 1]
        line = self.source[start:].split(b"\n", 1)[0].decode()
        return start + len(line[: position["column"] - 1].encode())

    def place(self, number, mutant):
        """Places a mutant; returns whether it can be switched."""
        start, end = (self.offset(mutant["span"][side]) for side in ("start", "end"))
        genre, detail = mutant["genre"], None
        if genre == "StructField":
            end = start + 1  # without the comma
        innermost = self.root.descendant_for_byte_range(start, end)
        node = enclosing(innermost, NODES[genre])
        if node is None or is_constant(node):
            return False
        if genre == "BinaryOperator" and node.child_by_field_name("operator").start_byte != start:
            return False  # a chain of `let`
        if genre == "MatchArmGuard" and b"let " in guard_of(node).text:
            return False
        if genre == "StructField":
            detail = enclosing(innermost, ["field_initializer", "shorthand_field_initializer"])
        self.placed[node.id].append((number, mutant, detail))
        return True

    def text(self):
        return self.rendered(self.root)

    def between(self, start, end):
        return self.source[start:end]

    def inner(self, node, omitted=None):
        """Returns the text of a node with the mutants below it, and without one field."""
        text, last, is_after_omitted = b"", node.start_byte, False
        for child in node.children:
            if omitted is not None and child.id == omitted.id:
                is_after_omitted = True
            elif not (is_after_omitted and child.type == ","):
                text += self.between(last, child.start_byte) + self.rendered(child, omitted)
                is_after_omitted = False
            last = child.end_byte
        return text + self.between(last, node.end_byte)

    def rendered(self, node, omitted=None):
        """Returns the text of a node with the mutants at it and below it."""
        mutants = self.placed.get(node.id)
        if not mutants:
            return self.inner(node, omitted)
        genre = mutants[0][1]["genre"]
        if genre == "FnValue":
            body = node.child_by_field_name("body")
            returns = b"".join(
                b"if %s { return %s; } " % (is_chosen(number), (mutant["replacement"] or "()").encode())
                for number, mutant, _ in mutants)
            return self.between(node.start_byte, body.start_byte) + b"{ " + returns + self.inner(body)[1:]
        if genre.startswith("MatchArm"):
            return self.rendered_arm(node, mutants)
        forms = b"".join(
            b"if %s { %s } else " % (is_chosen(number), self.mutated(node, mutant, detail))
            for number, mutant, detail in mutants)
        return b"(%s{ %s })" % (forms, self.inner(node, omitted))

    def mutated(self, node, mutant, detail):
        if mutant["genre"] == "UnaryOperator":
            return self.rendered(node.children[-1])
        if mutant["genre"] == "StructField":
            return self.inner(node, detail)
        left, right = (self.rendered(node.child_by_field_name(side)) for side in ("left", "right"))
        return b"%s %s %s" % (left, mutant["replacement"].encode(), right)

    def rendered_arm(self, node, mutants):
        pattern, guard = node.child_by_field_name("pattern"), guard_of(node)
        conditions, condition = [], guard and self.rendered(guard)
        for number, mutant, _ in mutants:
            if mutant["genre"] == "MatchArmGuard" and mutant["replacement"] == "true":
                condition = b"(%s || (%s))" % (is_chosen(number), condition)
            else:
                conditions.append(b"!" + is_chosen(number))
        before = self.between(node.start_byte, guard.start_byte if guard else pattern.end_byte)
        if guard:
            conditions.append(condition if b"let " in condition else b"(%s)" % condition)
        else:
            before += b" if "
        rest, last = b"", pattern.end_byte
        for child in node.children[node.children.index(pattern) + 1:]:
            rest += self.between(last, child.start_byte) + self.rendered(child)
            last = child.end_byte
        return before + b" && ".join(conditions) + rest + self.between(last, node.end_byte)


def guard_of(arm):
    return arm.child_by_field_name("pattern").child_by_field_name("condition")


def numbers_around(source, start, end):
    """Returns the mutants whose switch is around a part of a switched source, or in its function."""
    node = parser.parse(source).root_node.descendant_for_byte_range(start, end)
    while node := enclosing(node, ["if_expression", "match_pattern", "function_item"]):
        around = node if node.type == "function_item" else node.child_by_field_name("condition")
        text = around.text if around else b""
        numbers = {int(number) for number in re.findall(rb"mutant::is\((\d+)\)", text)}
        if numbers and (node.type != "if_expression" or text.startswith(is_chosen(min(numbers)))):
            return numbers
        node = node.parent
    return set()
