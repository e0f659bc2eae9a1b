"""What functions/ uses of the AWS SDK, followed through its source, against the SDK's models of the services.

Values are followed from where a client is made: to its calls, into their answers, through variables, loops and
functions, to the keys that are read; and from the dictionaries that are written to the parameters that they become.
Nothing is missed: where a client, an answer that has keys, or a parameter that has keys goes where it is not followed,
that is a finding.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

FUNCTIONS = Path(__file__).parents[3] / "functions"


@dataclass(frozen=True)
class Client:
    """A client of a service, by boto3's name."""

    service: str


@dataclass(frozen=True)
class Paginator:
    client: Client
    operation: str


@dataclass(frozen=True)
class Answer:
    """A value in an answer, by the name of its shape in the model of the service."""

    service: str
    shape: str


@dataclass(frozen=True)
class Sequence:
    """The pages of an answer, a list that is written, what a generator yields: by the expression that makes it."""

    expression: ast.expr
    level: int = 0


@dataclass(frozen=True)
class Written:
    """A dictionary that is written, by the expression that writes it, or by the parameter that collects keywords."""

    expression: ast.expr | ast.arg


@dataclass(frozen=True)
class Text:
    text: str


# What a value can be; nothing, if it has nothing to do with the SDK.
Value = frozenset[Any]
NOTHING: Value = frozenset()

# Calls after which an answer is the same, or none of its keys is left.
_SAME = frozenset({"list", "tuple", "sorted", "reversed", "set", "frozenset", "filter", "iter"})
_ELEMENT = frozenset({"next", "max", "min"})
_WITHOUT_KEYS = frozenset({"len", "bool", "any", "all"})
_ERRORS = "botocore.exceptions"
_PAGINATION = frozenset({"MaxItems", "PageSize", "StartingToken"})


SDK = Loader()
"""The SDK that is installed. A loader keeps what it has read, and the models are many megabytes of JSON."""


@dataclass
class Models:
    """The models of the services that a loader of botocore finds."""

    loader: Loader = SDK

    def __post_init__(self) -> None:
        self.service = cache(self._service)
        self.paginators = cache(self._paginators)

    def _service(self, name: str) -> ServiceModel | None:
        try:
            return ServiceModel(self.loader.load_service_model(name, "service-2"), name)
        except (DataNotFoundError, UnknownServiceError):
            return None

    def _paginators(self, name: str) -> frozenset[str]:
        try:
            return frozenset(self.loader.load_service_model(name, "paginators-1")["pagination"])
        except (DataNotFoundError, UnknownServiceError):
            return frozenset()

    def operation(self, service: str, method: str) -> OperationModel | None:
        """The operation that a method of a client calls."""
        model = self.service(service)
        names = {xform_name(name): name for name in model.operation_names} if model else {}
        return model.operation_model(names[method]) if model and method in names else None

    def shape(self, answer: Answer) -> Shape:
        model = self.service(answer.service)
        assert model is not None
        return model.shape_for(answer.shape)


@dataclass(frozen=True)
class Use:
    """What functions/ uses: services, `service.method`, and findings, which are what the models do not have."""

    services: frozenset[str]
    methods: frozenset[str]
    paginators: frozenset[str]
    keys: frozenset[str]
    findings: tuple[str, ...]


def sources(folder: Path = FUNCTIONS) -> dict[str, str]:
    """The source of each module of functions/, by the module's name."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path.read_text()
        for path in sorted(folder.rglob("*.py"))
    }


def use_of_the_sdk(modules: Mapping[str, str], models: Models | None = None) -> Use:
    """What the modules, sources by name, use of the SDK, and what of it the models do not have."""
    program = _Program(modules, models or Models())
    program.follow()
    return Use(
        services=frozenset(program.services),
        methods=frozenset(program.methods),
        paginators=frozenset(program.paginators),
        keys=frozenset(program.keys),
        findings=tuple(sorted(program.findings)),
    )


@dataclass(frozen=True)
class _Function:
    module: str
    class_name: str | None
    node: ast.FunctionDef

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        return [argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]


class _Program:
    """All modules; what is known of variables, parameters and returns grows until nothing new is learnt."""

    def __init__(self, modules: Mapping[str, str], models: Models) -> None:
        self.models = models
        self.trees = {name: ast.parse(source) for name, source in modules.items()}
        self.functions: dict[tuple[str, str | None, str], _Function] = {}
        self.imported: dict[tuple[str, str], tuple[str, str]] = {}
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        self.imported[module, alias.asname or alias.name] = (str(node.module), alias.name)
                elif isinstance(node, ast.ClassDef):
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef):
                            self.functions[module, node.name, part.name] = _Function(module, node.name, part)
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    self.functions[module, None, node.name] = _Function(module, None, node)
        self.known: dict[tuple[Any, ...], Value] = {}
        # The names of the attributes among what is known.
        self.attributes: set[str] = set()
        self.inside: dict[Any, list[tuple[Any, ...]]] = {}
        self.services: set[str] = set()
        self.methods: set[str] = set()
        self.paginators: set[str] = set()
        self.keys: set[str] = set()
        self.findings: set[str] = set()
        self.given: set[tuple[Any, ...]] = set()

    def follow(self) -> None:
        while True:
            before = dict(self.known)
            self.findings.clear()
            self.given.clear()
            for module, tree in self.trees.items():
                if module != "autopatch.aws.client":
                    _Body(self, module, None, None).run(tree.body)
            if self.known == before:
                return

    def learn(self, place: tuple[Any, ...], value: Value) -> None:
        """A place is a variable, an attribute, a return, or a key or an element of what is written."""
        if value or place[0] in ("key", "opaque"):
            if place not in self.known and place[0] in ("key", "values", "spread", "element"):
                self.inside.setdefault(place[1], []).append(place)
            if place[0] == "attribute":
                self.attributes.add(place[3])
            self.known[place] = self.known.get(place, NOTHING) | value

    def places_in(self, written: Any) -> list[tuple[Any, ...]]:
        """The places of what is in a dictionary or a list that is written."""
        return self.inside.get(written, [])

    def function(self, module: str, class_name: str | None, called: ast.expr) -> _Function | None:
        """The function of functions/ that is called, if it is one."""
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
            return self.functions.get((module, class_name, called.attr))
        if isinstance(called, ast.Name):
            there, name = self.imported.get((module, called.id), (module, called.id))
            return self.functions.get((there, None, name))
        return None


class _Body:
    """The statements of a function, or of a module."""

    def __init__(
        self, program: _Program, module: str, class_name: str | None, function: ast.FunctionDef | None
    ) -> None:
        self.program = program
        self.models = program.models
        self.module = module
        self.class_name = class_name
        self.function = function
        # The comprehensions and lambdas around what is looked at, with the names that are theirs.
        self.inner: list[tuple[ast.expr, set[str]]] = []

    def find(self, node: ast.AST, what: str) -> None:
        self.program.findings.add(f"{self.module}, {ast.unparse(node)}: {what}")

    # -- statements ---------------------------------------------------------------------------------------------------

    def run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.ClassDef():
                _Body(self.program, self.module, node.name, None).run(node.body)
            case ast.FunctionDef():
                if self.function is not None and self.module.startswith("autopatch.aws."):
                    self.find(node, "expected no function in a function, in which nothing is followed")
                body = _Body(self.program, self.module, self.class_name, node)
                if rest := node.args.kwarg:
                    self.program.learn(body.variable(rest.arg), frozenset({Written(rest)}))
                    if not node.name.startswith("_"):  # Who calls it may be anywhere.
                        self.program.learn(("opaque", Written(rest)), NOTHING)
                body.run(node.body)
            case ast.Import() | ast.ImportFrom():
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
                if any(name.partition(".")[0] in ("boto3", "botocore") for name in names if name != _ERRORS):
                    self.find(node, "expected clients to be made by autopatch.aws.client alone")
            case ast.Return(value=ast.expr() as result):
                self.returned(result, self.value(result))
            case ast.Assign():
                value = self.value(node.value)
                for target in node.targets:
                    self.bind(target, value)
            case ast.AnnAssign(value=ast.expr() as assigned) | ast.AugAssign(value=assigned):
                self.bind(node.target, self.value(assigned))
            case ast.Match():
                self.lost(node, self.value(node.subject))
                self.run([statement for case in node.cases for statement in case.body])
            case ast.For():
                self.bind(node.target, self.elements(self.value(node.iter)))
                self.run([*node.body, *node.orelse])
            case _:
                for child in ast.iter_child_nodes(node):
                    self.anything(child)

    def anything(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self.statement(node)
        elif isinstance(node, ast.expr):
            self.value(node)
        else:  # an exception handler, the case of a match, the item of a with
            for child in ast.iter_child_nodes(node):
                self.anything(child)

    def returned(self, node: ast.expr, value: Value) -> None:
        assert self.function is not None
        if not self.function.name.startswith("_") and any(self.has_keys(part, Answer) for part in value):
            self.find(node, f"expected {self.function.name} to hand out no document of AWS")
        self.program.learn(("return", self.module, self.class_name, self.function.name), value)

    def bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                if self.function is None:
                    self.lost(target, value)
                self.program.learn(self.variable(target.id), value)
            case ast.Tuple() | ast.List():
                for part in target.elts:
                    self.bind(part, self.elements(value))
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if all(
                isinstance(part, Client | Text) for part in value
            ):
                self.program.learn(("attribute", self.module, self.class_name, name), value)
            case ast.Subscript():
                self.value(target.slice)
                written_to = self.value(target.value)
                for written in written_to:
                    if not isinstance(written, Written):
                        continue
                    if isinstance(target.slice, ast.Constant):
                        self.program.learn(("key", written, target.slice.value), value)
                    else:
                        self.program.learn(("values", written), value)
                        self.program.learn(("opaque", written), NOTHING)
                if not written_to:
                    self.lost(target, value)
            case _:
                self.lost(target, value)

    def variable(self, name: str) -> tuple[Any, ...]:
        place = ("variable", self.module, self.class_name, self.function and self.function.name, name)
        return next(((*place, node) for node, names in reversed(self.inner) if name in names), place)

    # -- expressions --------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Value:
        """What the expression can be, after all that is in it has been looked at."""
        match node:
            case ast.Constant(value=str() as text):
                return frozenset({Text(text)})
            case ast.Name(id=name):
                if self.makes_clients(node):
                    self.find(node, "expected it to be called where it is named")
                of_the_module = ("variable", self.module, None, None, name)
                return self.program.known.get(self.variable(name), self.program.known.get(of_the_module, NOTHING))
            case ast.Attribute():
                return self.attribute(node)
            case ast.Call():
                return self.call(node)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Compare():
                return self.compared(node)
            case ast.BoolOp():
                return frozenset().union(*(self.value(part) for part in node.values))
            case ast.IfExp():
                self.value(node.test)
                return self.value(node.body) | self.value(node.orelse)
            case ast.NamedExpr():
                value = self.value(node.value)
                self.bind(node.target, value)
                return value
            case ast.List() | ast.Tuple() | ast.Set():
                return self.sequence(node, frozenset().union(*(self.value(part) for part in node.elts)))
            case ast.Starred():
                return self.elements(self.value(node.value))
            case ast.Dict():
                return self.dictionary(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                with self.inside(node, {name for part in node.generators for name in _names(part.target)}):
                    self.generators(node.generators)
                    return self.sequence(node, self.value(node.elt))
            case ast.DictComp():
                with self.inside(node, {name for part in node.generators for name in _names(part.target)}):
                    self.generators(node.generators)
                    self.value(node.key)
                    self.program.learn(("values", Written(node)), self.value(node.value))
                self.program.learn(("opaque", Written(node)), NOTHING)
                return frozenset({Written(node)})
            case ast.Yield(value=ast.expr() as result):
                self.returned(result, self.sequence(node, self.value(result)))
                return NOTHING
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.value(operand)
                return NOTHING
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.lost(node, self.value(child))
                    else:
                        self.anything(child)
                return NOTHING

    def sequence(self, node: ast.expr, elements: Value, level: int = 0) -> Value:
        sequence = Sequence(node, level)
        self.program.learn(("element", sequence), elements)
        return frozenset({sequence})

    def makes_clients(self, node: ast.expr) -> bool:
        made_by = ("autopatch.aws.client", "create_client")
        return isinstance(node, ast.Name) and self.program.imported.get((self.module, node.id)) == made_by

    def attribute(self, node: ast.Attribute) -> Value:
        known = self.program.known
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            if (self.module, self.class_name, node.attr) in self.program.functions:  # a property
                return known.get(("return", self.module, self.class_name, node.attr), NOTHING)
            place = ("attribute", self.module, self.class_name, node.attr)
            if place in known:
                return known[place]
        else:
            self.lost(node, self.value(node.value))
        if node.attr == "create_client" or node.attr in self.program.attributes:
            self.find(node, "expected a client to be used by the class that makes it")
        return NOTHING

    @contextmanager
    def inside(self, node: ast.expr, names: set[str]) -> Iterator[None]:
        self.inner.append((node, names))
        yield
        self.inner.pop()

    def generators(self, generators: Iterable[ast.comprehension]) -> None:
        for generator in generators:
            self.bind(generator.target, self.elements(self.value(generator.iter)))
            for condition in generator.ifs:
                self.value(condition)

    def dictionary(self, node: ast.Dict) -> Value:
        written = Written(node)
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.value(part)
            if isinstance(key, ast.Constant):
                self.program.learn(("key", written, key.value), value)
            elif key is not None:
                self.value(key)
                self.program.learn(("values", written), value)
                self.program.learn(("opaque", written), NOTHING)
            else:
                self.program.learn(("spread", written), value)
                self.lost(node, frozenset(part for part in value if not isinstance(part, Written)))
        return frozenset({written})

    def compared(self, node: ast.Compare) -> Value:
        operands = [self.value(part) for part in [node.left, *node.comparators]]
        for operation, keys, container in zip(node.ops, operands, operands[1:], strict=False):
            if isinstance(operation, ast.In | ast.NotIn):
                for part in container:
                    if isinstance(part, Answer) and isinstance(self.models.shape(part), StructureShape):
                        self.members(node, part, keys)
        return NOTHING

    def subscript(self, node: ast.Subscript) -> Value:
        keys = self.value(node.slice)
        value: Value = NOTHING
        for part in self.value(node.value):
            if isinstance(node.slice, ast.Slice):
                value |= {part}
            elif isinstance(part, Answer) and isinstance(self.models.shape(part), StructureShape):
                value |= self.members(node, part, keys)
            elif isinstance(part, Written):
                value |= self.of_written(part, keys)
            else:
                value |= self.elements(frozenset({part}))
        return value

    def members(self, node: ast.expr, answer: Answer, keys: Value) -> Value:
        """The values of the answer under those keys."""
        shape = self.models.shape(answer)
        assert isinstance(shape, StructureShape)
        texts = sorted(key.text for key in keys if isinstance(key, Text))
        if not texts:
            self.find(node, f"expected a key of {shape.name} that can be read here")
        value: Value = NOTHING
        for text in texts:
            self.program.keys.add(f"{answer.service}.{shape.name}.{text}")
            if text in shape.members:
                value |= {Answer(answer.service, shape.members[text].name)}
            else:
                self.find(node, f"{answer.service} has no {text} in {shape.name}")
        return value

    def of_written(self, written: Written, keys: Value) -> Value:
        value: Value = NOTHING
        for dictionary in self.spread(written):
            value |= self.program.known.get(("values", dictionary), NOTHING)
            for key in keys:
                if isinstance(key, Text):
                    value |= self.program.known.get(("key", dictionary, key.text), NOTHING)
        return value

    def spread(self, written: Written) -> set[Written]:
        """The dictionary and those that are spread into it."""
        spread, waiting = {written}, [written]
        while waiting:
            for part in self.program.known.get(("spread", waiting.pop()), NOTHING):
                if isinstance(part, Written) and part not in spread:
                    spread.add(part)
                    waiting.append(part)
        return spread

    def elements(self, value: Value) -> Value:
        """What a loop over the value gives."""
        elements: Value = NOTHING
        for part in value:
            if isinstance(part, Sequence):
                elements |= self.program.known.get(("element", part), NOTHING)
            elif isinstance(part, Answer):
                shape = self.models.shape(part)
                if isinstance(shape, ListShape):
                    elements |= {Answer(part.service, shape.member.name)}
                elif isinstance(shape, MapShape):
                    elements |= {Answer(part.service, shape.value.name)}
            elif isinstance(part, Client | Paginator):
                elements |= {part}
        return elements

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Value:
        if self.makes_clients(node.func):
            return self.made_client(node)
        function = self.program.function(self.module, self.class_name, node.func)
        if function is not None:
            return self.call_of_ours(node, function)
        if isinstance(node.func, ast.Attribute):
            receiver = self.value(node.func.value)
            called = [part for part in receiver if isinstance(part, Client | Paginator | Answer | Sequence | Written)]
            if called:
                return frozenset().union(*(self.method(node, part, node.func.attr) for part in called))
            self.attribute(node.func)
        elif not isinstance(node.func, ast.Name):
            self.value(node.func)
        name = node.func.id if isinstance(node.func, ast.Name) else None
        arguments = frozenset().union(*(self.value(part) for part in node.args if not isinstance(part, ast.Lambda)))
        for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(part, ast.Lambda):
                parameters = {parameter.arg for parameter in part.args.args}
                with self.inside(part, parameters):
                    for name_of_parameter in parameters:
                        self.program.learn(self.variable(name_of_parameter), self.elements(arguments))
                    self.value(part.body)
            elif part not in node.args:
                self.lost(node, self.value(part))
        if name in _SAME:
            return arguments
        if name in _ELEMENT:
            return self.elements(arguments)
        if name not in _WITHOUT_KEYS:
            self.lost(node, arguments)
        return NOTHING

    def made_client(self, node: ast.Call) -> Value:
        match node.args:
            case [ast.Constant(value=str() as service)] if {keyword.arg for keyword in node.keywords} <= {"attempts"}:
                self.program.services.add(service)
                if self.models.service(service) is None:
                    self.find(node, f"there is no service {service}")
                return frozenset({Client(service)})
        self.find(node, "expected the name of a service, written out")
        return NOTHING

    def call_of_ours(self, node: ast.Call, function: _Function) -> Value:
        place = ("variable", function.module, function.class_name, function.node.name)
        positional = [name for name in function.parameters if name != "self"]
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                self.lost(node, self.value(argument))
        for argument, name in zip(node.args, positional, strict=False):
            self.program.learn((*place, name), self.value(argument))
        rest = function.node.args.kwarg
        for keyword in node.keywords:
            if keyword.arg is None and rest is not None:
                self.program.learn(("spread", Written(rest)), self.value(keyword.value))
                self.program.learn(("opaque", Written(rest)), NOTHING)
            elif keyword.arg is None:
                self.lost(node, self.value(keyword.value))
            elif rest is not None and keyword.arg not in function.parameters:
                self.program.learn(("key", Written(rest), keyword.arg), self.value(keyword.value))
            else:
                self.program.learn((*place, keyword.arg), self.value(keyword.value))
        returned = ("return", function.module, function.class_name, function.node.name)
        return self.program.known.get(returned, NOTHING)

    def method(self, node: ast.Call, receiver: Any, name: str) -> Value:
        arguments = [self.value(part) for part in node.args]
        match receiver, name:
            case Client(), "get_paginator":
                return self.paginator(node, receiver, arguments)
            case Client(), _:
                return self.operation(node, receiver, name, pages=False)
            case Paginator(), "paginate":
                return self.operation(node, receiver.client, receiver.operation, pages=True)
            case Answer(), "get" if isinstance(self.models.shape(receiver), StructureShape):
                return self.members(node, receiver, arguments[0]) | frozenset().union(*arguments[1:])
            case Answer(), "get" | "values" if isinstance(self.models.shape(receiver), MapShape):
                values = self.elements(frozenset({receiver}))
                return values if name == "get" else self.sequence(node, values)
            case Answer(), "items" if isinstance(self.models.shape(receiver), MapShape):
                return self.sequence(node, self.sequence(node, self.elements(frozenset({receiver})), 1))
            case Written(), "get":
                return self.of_written(receiver, arguments[0])
            case Written(), "items" | "values":
                values = self.of_written(receiver, frozenset(Text(key) for key in self.keys_of(receiver)))
                return self.sequence(node, values | self.sequence(node, values, 1))
            case Sequence(), "append" | "extend":
                added = frozenset().union(*arguments)
                self.program.learn(("element", receiver), added if name == "append" else self.elements(added))
                return NOTHING
            case Written(), _:
                self.program.learn(("opaque", receiver), NOTHING)
        if self.has_keys(receiver, Client, Paginator, Answer):
            self.find(node, f"expected no {name} of what AWS answered, which cannot be followed")
        self.lost(node, frozenset().union(*arguments, *(self.value(keyword.value) for keyword in node.keywords)))
        return NOTHING

    def paginator(self, node: ast.Call, client: Client, arguments: list[Value]) -> Value:
        match [text for argument in arguments for text in argument]:
            case [Text(text=method)]:
                operation = self.models.operation(client.service, method)
                self.program.paginators.add(f"{client.service}.{method}")
                if operation is None or operation.name not in self.models.paginators(client.service):
                    self.find(node, f"{client.service} has no paginator of {method}")
                return frozenset({Paginator(client, method)})
        self.find(node, "expected the name of a method, written out")
        return NOTHING

    def operation(self, node: ast.Call, client: Client, method: str, *, pages: bool) -> Value:
        self.program.methods.add(f"{client.service}.{method}")
        operation = self.models.operation(client.service, method)
        if operation is None:
            self.find(node, f"{client.service} has no method {method}")
            return NOTHING
        if node.args:
            self.find(node, "expected parameters by their names")
        given: set[str] = set()
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg == "PaginationConfig" and pages:
                self.settings_of_paging(node, value)
            elif keyword.arg is not None:
                given.add(keyword.arg)
                self.parameter(node, client, operation.input_shape, keyword.arg, value)
            elif value and all(isinstance(part, Written) for part in value):
                for written in value:
                    given.update(self.structure(node, client, operation.input_shape, written))
            else:
                self.find(node, "expected parameters that can be followed to where they are written")
        if (
            missing := []
            if operation.input_shape is None
            else sorted({*operation.input_shape.required_members} - given)
        ):
            self.find(node, f"{client.service} needs {', '.join(missing)} for {method}")
        if operation.output_shape is None:
            return NOTHING
        answer = frozenset({Answer(client.service, operation.output_shape.name)})
        return self.sequence(node, answer) if pages else answer

    def settings_of_paging(self, node: ast.Call, value: Value) -> None:
        for written in value:
            for key in self.keys_of(written):
                if key not in _PAGINATION:
                    self.find(node, f"a paginator has no setting {key}")

    # -- parameters ---------------------------------------------------------------------------------------------------

    def keys_of(self, written: Any) -> list[str]:
        return [place[2] for place in self.program.places_in(written) if place[0] == "key"]

    def structure(self, node: ast.expr, client: Client, shape: Shape | None, written: Written) -> set[str]:
        """The keys of a dictionary that becomes the structure; findings for those that the structure does not have."""
        keys: set[str] = set()
        for dictionary in self.spread(written):
            for key in self.keys_of(dictionary):
                keys.add(key)
                self.parameter(node, client, shape, key, self.program.known[("key", dictionary, key)])
            if ("opaque", dictionary) in self.program.known:
                self.find(node, "expected keys that are written out")
        return keys

    def parameter(self, node: ast.expr, client: Client, shape: Shape | None, key: str, value: Value) -> None:
        members = shape.members if isinstance(shape, StructureShape) else {}
        if key in members:
            self.program.keys.add(f"{client.service}.{shape and shape.name}.{key}")
            self.given(node, client, members[key], value)
        else:
            self.find(node, f"{client.service} has no {key} in {shape.name if shape else 'what it takes'}")

    def given(self, node: ast.expr, client: Client, shape: Shape, value: Value) -> None:
        """Whether the value is what the shape of a parameter takes."""
        if not value and _leads_to_structures(shape):
            self.find(node, f"expected {shape.name} to be followed to where it is written")
        for part in value:
            if (node, shape.name, part) in self.program.given:
                continue
            self.program.given.add((node, shape.name, part))
            if isinstance(part, Text) and isinstance(shape, Shape) and getattr(shape, "enum", None):
                if part.text not in shape.enum:  # type: ignore[attr-defined]
                    self.find(node, f"{client.service} has no {part.text} in {shape.name}")
            elif isinstance(part, Written) and isinstance(shape, StructureShape):
                missing = {*shape.required_members} - self.structure(node, client, shape, part)
                if missing:
                    self.find(node, f"{client.service} needs {', '.join(sorted(missing))} in {shape.name}")
            elif isinstance(part, Written) and isinstance(shape, MapShape):
                for dictionary in self.spread(part):
                    for place in self.program.places_in(dictionary):
                        if place[0] in ("key", "values"):
                            self.given(node, client, shape.value, self.program.known[place])
            elif isinstance(part, Sequence) and isinstance(shape, ListShape):
                if elements := self.elements(frozenset({part})):
                    self.given(node, client, shape.member, elements)
            elif not isinstance(part, Text) and _leads_to_structures(shape):
                self.find(node, f"expected {shape.name} to be followed to where it is written")

    # -- what is not followed -----------------------------------------------------------------------------------------

    def lost(self, node: ast.AST, value: Value) -> None:
        if any(self.has_keys(part, Client, Paginator, Answer) for part in value):
            self.find(node, "expected what can be followed")

    def has_keys(self, value: Any, *kinds: type) -> bool:
        """Whether in it is a client or a paginator, or an answer in which there are keys to read."""
        seen, waiting = {value}, [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Sequence | Written):
                held = frozenset().union(*(self.program.known[place] for place in self.program.places_in(part))) - seen
                seen |= held
                waiting.extend(held)
            elif isinstance(part, kinds) and not (
                isinstance(part, Answer) and not _leads_to_structures(self.models.shape(part))
            ):
                return True
        return False


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _leads_to_structures(shape: Shape) -> bool:
    if isinstance(shape, ListShape):
        return _leads_to_structures(shape.member)
    if isinstance(shape, MapShape):
        return _leads_to_structures(shape.value)
    return isinstance(shape, StructureShape)
