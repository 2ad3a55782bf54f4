"""The laws, over every public regularizer. A new class is tested by standing in `__all__`."""

import ast
import copy
import dataclasses
import math
import pickle
import re

import numpy as np
import pytest
import torch

from dashpot import checkpoints, regularizers, training
from dashpot.errors import UsageError
from dashpot.jobs import Design, Examples, Job, Sample, prepare, stacks
from dashpot.losses import Binary, CrossEntropy, SquaredError
from dashpot.networks import forward, layers_of, parameter_count
from dashpot.optimizers import SGD, Adam, AdamW, Step
from dashpot.randomness import draws
from dashpot.regularizers import L1, L2, Dropout, EarlyStopping, InputDropout, MaxNorm, Noise, WeightDecay, parse
from dashpot.regularizers.base import Epoch, Regularizer, overrides
from dashpot.regularizers.noise import KINDS, TARGETS
from dashpot.regularizers.pictures import Picture
from dashpot.regularizers.recipe import Recipe, stacked
from dashpot.tables.encode import Inputs
from dashpot.training import train, train_stack

CLASSES = [
    cls
    for cls in (getattr(regularizers, name) for name in regularizers.__all__)
    if isinstance(cls, type) and issubclass(cls, Regularizer) and cls not in (Regularizer, Recipe)
]
HOOKS = (
    "plan", "hold_out", "resample", "order", "bind", "initialize", "settle", "augment", "oppose", "perturb_weights",
    "perturb_units", "penalty", "constrain", "begin", "end_step", "shown", "end_epoch", "finish", "snapshots",
)  # fmt: skip
TENSOR_HOOKS = HOOKS[5:]
STACK_HOOKS = HOOKS[7:]
PICTURE = (4, 3, 2)  # height, width, channels
FOR_CLASSES = {
    "ADASYN",
    "BalancedBatches",
    "BorderlineSMOTE",
    "LabelSmoothing",
    "Oversample",
    "Resample",
    "SMOTE",
    "Undersample",
}


def with_random_signs(batch, rng):
    return batch * rng.choice([-1, 1], size=(len(batch), *[1] * (batch.ndim - 1)))


def strong(cls):
    """An instance that ought to change a training."""
    if cls.__name__ == "Resample":
        from imblearn.under_sampling import RandomUnderSampler

        return cls(RandomUnderSampler())
    if cls.__name__ == "Augment":
        return cls(with_random_signs)
    return cls.grid()[-1]


def instances():
    """One strong instance of each class, and Noise at each target and of each kind."""
    plain = [strong(cls) for cls in CLASSES if cls is not Noise]
    return plain + [Noise(target, kind, 0.3) for target in TARGETS for kind in KINDS]


every = pytest.mark.parametrize("regularizer", instances(), ids=lambda r: repr(r).split(" at 0x")[0][:60])


def off(regularizer):
    return dataclasses.replace(regularizer, **regularizer.off)


def image_for(regularizer):
    """The shape of the pictures in its table, if it needs pictures."""
    return PICTURE if isinstance(regularizer, Picture | regularizers.Augment) else None


def examples_for(kind, inputs=5, rows=157, image=None):
    """Numbers, a 0/1 column, missing cells, weights; the second class is rare. With an image shape: pictures."""
    inputs = inputs if image is None else math.prod(image)
    rng = np.random.default_rng(7)
    numbers = rng.normal(size=(rows, inputs)).astype(np.float32)
    numbers[:, 0] = numbers[:, 0] > 0
    score = numbers @ rng.normal(size=inputs) + rng.normal(size=rows)
    numbers[rng.random(numbers.shape) < 0.03] = np.nan
    targets = {
        "binary": (score > np.quantile(score, 0.7)).astype(np.int64),
        "classes": np.digitize(score, np.quantile(score, [0.5, 0.8])),
        "amounts": np.stack([score, score**2], axis=1).astype(np.float32),
    }[kind]
    columns = Inputs(tuple(f"x{i}" for i in range(inputs)), np.arange(inputs), np.arange(inputs) == 0, image)
    return Examples(numbers, targets, columns, weights=rng.uniform(0.5, 2, rows))


LOSSES = {"binary": Binary(), "classes": CrossEntropy(3), "amounts": SquaredError()}


def design_for(kind, **changes):
    settings = {
        "hidden_layers": (7, 3), "activation": "tanh", "loss": LOSSES[kind], "optimizer": AdamW(0.02),
        "batch_size": 40, "epochs": 4, "tolerance": 0.0,
    }  # fmt: skip
    return Design(**settings | changes)


def shape_for(regularizer):
    """Layers that mirror each other, for a regularizer that ties them."""
    return {"hidden_layers": (7, 3, 7)} if isinstance(regularizer, regularizers.TiedWeights) else {}


def job_for(recipe, design, examples, seed=1, validation=True):
    """Rows in no order: a regularizer that is off must not sort them."""
    order = np.random.default_rng(3).permutation(len(examples.inputs))
    held = order[:30] if validation else order[:0]
    return Job(Recipe(tuple(recipe)), order[30:], held, seed, design)


def assert_identical(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for (w, b), (v, c) in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(w, v)
            np.testing.assert_array_equal(b, c)
        for a, b in zip(one.scaling(), other.scaling(), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_equal(one.history, other.history)
        assert (one.epochs, one.best_epoch, one.diverged) == (other.epochs, other.best_epoch, other.diverged)


def kinds_for(regularizer):
    return ["binary", "classes"] if type(regularizer).__name__ in FOR_CLASSES else ["binary", "classes", "amounts"]


def test_every_public_class_is_here():
    assert len(CLASSES) >= 20
    assert {type(regularizer) for regularizer in instances()} == set(CLASSES)


# ---- 1


@every
def test_off_means_off(regularizer):
    silent = off(regularizer)
    assert silent.is_off
    for kind in kinds_for(regularizer):
        examples, design = examples_for(kind, image=image_for(regularizer)), design_for(kind, **shape_for(regularizer))
        for others in ((), (L2(0.01), InputDropout(0.2) if isinstance(regularizer, Dropout) else Dropout(0.2))):
            for validation in (True, False):
                jobs = [
                    job_for(recipe, design, examples, validation=validation)
                    for recipe in (others, (*others, silent), (silent, *others))
                ]
                without, behind, before = train(examples, jobs, workers=1)
                assert_identical(without, behind)
                assert_identical(without, before)


# ---- 2


def assert_untouched(examples, jobs):
    """Each job gives the same networks alone, without its first neighbour, and in reverse order."""
    together = train(examples, jobs, workers=1)
    for job, networks in zip(jobs, together, strict=True):
        assert_identical(train(examples, [job], workers=1)[0], networks)
    for networks, expected in zip(train(examples, jobs[1:], workers=1), together[1:], strict=True):
        assert_identical(networks, expected)
    for networks, expected in zip(train(examples, jobs[::-1], workers=2), together[::-1], strict=True):
        assert_identical(networks, expected)
    return together


@every
def test_networks_in_a_stack_do_not_touch(regularizer):
    for kind in kinds_for(regularizer):
        examples, design = examples_for(kind, image=image_for(regularizer)), design_for(kind, **shape_for(regularizer))
        weak = {name: getattr(type(regularizer).grid()[0], name) for name in type(regularizer).ranges}
        strengths = [regularizer, dataclasses.replace(regularizer, **weak), regularizer]
        jobs = [job_for([one], design, examples, seed) for seed, one in enumerate(strengths)]
        together = assert_untouched(examples, jobs)
        jobs[1] = job_for([regularizer], design, examples, seed=99)
        changed = train(examples, jobs, workers=1)
        assert_identical(changed[0], together[0])
        assert_identical(changed[2], together[2])


@pytest.mark.parametrize("kind", ["binary", "classes", "amounts"])
def test_one_stack_may_hold_every_recipe(kind):
    """Networks that lack a regularizer of their neighbours stand at its off values, bit for bit."""
    examples, design = examples_for(kind, image=PICTURE), design_for(kind, epochs=8)
    recipes = [[one] for one in instances() if not overrides(one, "plan") and not overrides(one, "resample")]
    jobs = [job_for(recipe, design, examples, seed=5) for recipe in [[], *recipes]]
    prepared = prepare(examples, jobs)
    networks = train_stack(examples, prepared)
    assert len(networks) == len(jobs) > 20
    for job, network in zip(jobs, networks, strict=True):
        assert_identical(train(examples, [job], workers=1)[0], network)


SHAPES = [
    # kind, hidden layers, activation, batch size, inputs, rows, optimizer
    ("binary", (), "identity", 1000, 1, 64, SGD(0.05)),
    ("classes", (1,), "relu", 33, 3, 100, AdamW(0.01)),
    ("amounts", (5,), "gelu", 17, 7, 131, Adam(0.01, clip=0.1)),
    ("binary", (31, 17), "selu", 64, 11, 301, SGD(0.01, momentum=0.5, clip=1.0)),
    ("classes", (13, 9, 3), "mish", 50, 5, 211, AdamW(0.01, schedule="cosine")),
    ("amounts", (65,), "elu", 97, 33, 203, SGD(0.001, schedule="log_cosine")),
    ("classes", (48, 33), "sigmoid", 29, 2, 89, AdamW(0.01, schedule="warm_restarts")),
    ("binary", (129,), "leaky_relu", 31, 67, 157, AdamW(0.003)),
    ("amounts", (255, 3), "tanh", 256, 9, 400, AdamW(0.003)),
]
MANY = (
    L2(0.001), L1(0.0001), InputDropout(0.1), Dropout(0.25), Noise("weights", level=0.05),
    Noise("activations", "multiplicative", 0.1), Noise("labels", level=0.1), WeightDecay(0.1), MaxNorm(2.0),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "hidden", "activation", "batch", "inputs", "rows", "optimizer"), SHAPES)
def test_networks_do_not_touch_at_odd_widths_and_batches(kind, hidden, activation, batch, inputs, rows, optimizer):
    examples = examples_for(kind, inputs, rows)
    design = design_for(kind, hidden_layers=hidden, activation=activation, batch_size=batch, optimizer=optimizer)
    faster = dataclasses.replace(design, optimizer=dataclasses.replace(optimizer, learning_rate=0.02))
    for recipe in ((), MANY):
        jobs = [job_for(recipe, one, examples, seed) for seed, one in enumerate([design, faster, design])]
        assert len(stacks(examples, prepare(examples, jobs))) == 1
        assert_untouched(examples, jobs)


def test_networks_that_stop_early_leave_the_others_alone():
    examples = examples_for("classes")
    fast = design_for("classes", epochs=60, optimizer=AdamW(0.05), tolerance=0.02)
    slow = dataclasses.replace(fast, optimizer=AdamW(0.005), tolerance=0.0)
    short = dataclasses.replace(fast, epochs=7)
    jobs = [
        job_for([EarlyStopping(patience=patience), Dropout(0.1)], design, examples, seed)
        for seed, (patience, design) in enumerate([(2, fast), (4, slow), (math.inf, slow), (3, short), (6, fast)])
    ]
    together = assert_untouched(examples, jobs)
    assert len({networks[0].epochs for networks in together}) >= 3


def test_training_again_and_two_workers_change_nothing():
    examples = examples_for("binary")
    jobs = [
        job_for([Dropout(0.2)], design_for("binary", hidden_layers=(width,)), examples, seed)
        for width in (3, 8, 16)
        for seed in range(3)
    ]
    first, again, side_by_side = (train(examples, jobs, workers=workers) for workers in (1, 1, 2))
    for one, other, third in zip(first, again, side_by_side, strict=True):
        assert_identical(one, other)
        assert_identical(one, third)


def test_label_noise_looks_at_its_own_network():
    """Zeros and ones are classes, whatever numbers a neighbour learns."""
    targets = torch.rand(2, 64, 1)
    targets[0] = (targets[0] > 0.5).float()
    noise = Noise("labels", level=0.5)
    _, together = noise.augment(targets, targets, draws([1, 2]))
    _, alone = noise.augment(targets[:1], targets[:1], draws([1]))
    assert torch.equal(together[:1], alone)
    assert set(alone.unique().tolist()) == {0.0, 1.0}


def test_rows_of_others_do_no_harm():
    """A batch is filled up with the network's own rows: not even an infinite row of another gets in."""
    examples = examples_for("amounts")
    job = job_for([], design_for("amounts", standardize=False), examples)
    job = dataclasses.replace(job, rows=job.rows[job.rows != 0], validation=job.validation[job.validation != 0])
    before = train(examples, [job], workers=1)[0]
    examples.inputs[0] = np.inf
    examples.targets[0] = np.inf
    assert_identical(train(examples, [job], workers=1)[0], before)


def test_workers_may_be_processes(monkeypatch):
    monkeypatch.setattr(training, "LONG", 0)
    examples = examples_for("binary")
    jobs = [job_for([Dropout(0.2)], design_for("binary", hidden_layers=(width,)), examples, 4) for width in (3, 8)]
    for one, other in zip(train(examples, jobs, workers=1), train(examples, jobs, workers=2), strict=True):
        assert_identical(one, other)


@pytest.mark.parametrize(("long", "prefer"), [(None, "threads"), (False, "threads"), (True, "processes")])
def test_who_asks_for_worker_processes_gets_them(monkeypatch, long, prefer):
    asked, parallel = [], training.Parallel
    monkeypatch.setattr(training, "Parallel", lambda **given: asked.append(given["prefer"]) or parallel(**given))
    examples = examples_for("binary")
    train(examples, [job_for([], design_for("binary"), examples, 4)], workers=1, long=long)
    assert asked == [prefer]


# ---- 3 and 4: the hooks by themselves

WIDTHS = (5, 7, 3)
NETWORKS = 3


def layers_for(widths, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(NETWORKS, parameter_count(widths), generator=generator, dtype=dtype)
    return parameters, layers_of(parameters, widths)


def arguments_for(hook, regularizer, dtype=torch.float32):
    """Fresh arguments of a hook, the same at every call."""
    examples = examples_for("classes", image=image_for(regularizer))
    job = job_for([], design_for("classes"), examples, validation=False)
    widths = examples.inputs.shape[1], *WIDTHS[1:]
    parameters, layers = layers_for(widths, dtype)
    generator = torch.Generator().manual_seed(1)
    units = torch.rand(NETWORKS, 32, 7, generator=generator, dtype=dtype)
    inputs = torch.randn(NETWORKS, 32, widths[0], generator=generator, dtype=dtype)
    targets = torch.eye(3, dtype=dtype)[torch.randint(3, (NETWORKS, 32), generator=generator)]
    sizes = layers_of(torch.full_like(parameters, 0.01), widths)
    rng = draws(range(NETWORKS), step=4)
    scores = {"loss": torch.arange(3.0), "error": torch.arange(3.0)}
    epoch = Epoch(torch.full((NETWORKS,), 2), scores, parameters)
    return {
        "plan": (job,),
        "hold_out": (job, examples),
        "resample": (Sample(examples, job.rows), np.random.default_rng(0)),
        "order": (Sample(examples, job.rows), np.random.default_rng(0)),
        "bind": (examples.columns,),
        "initialize": (layers, rng),
        "settle": (layers, lambda current: forward(current, inputs, "tanh")[1]),
        "oppose": (inputs, torch.sin, rng),
        "end_step": (regularizer.begin(parameters), parameters),
        "shown": (regularizer.begin(parameters), parameters),
        "snapshots": (regularizer.begin(parameters),),
        "augment": (inputs, targets, rng),
        "perturb_weights": (layers, rng),
        "perturb_units": (units, 1, rng) if dtype == torch.float32 else (inputs, 0, rng),
        "penalty": (layers, [inputs, units]),
        "constrain": (layers, Step([0.01] * NETWORKS, torch.device("cpu"), lambda: sizes)),
        "begin": (parameters,),
        "end_epoch": (regularizer.begin(parameters), epoch),
        "finish": (regularizer.begin(parameters), parameters),
    }[hook]


def numbers_in(thing):
    """Every array and number inside, in order."""
    if isinstance(thing, torch.Tensor):
        return [thing.detach().numpy().copy()]
    if isinstance(thing, np.ndarray | int | float | bool):
        return [np.array(thing)]
    if dataclasses.is_dataclass(thing):
        return [n for field in dataclasses.fields(thing) for n in numbers_in(getattr(thing, field.name))]
    if isinstance(thing, dict):
        return [n for key in sorted(thing) for n in numbers_in(thing[key])]
    return [n for part in thing for n in numbers_in(part)] if isinstance(thing, list | tuple) else []


def assert_equal_numbers(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def in_a_stack(regularizer):
    columns = examples_for("classes", image=image_for(regularizer)).columns
    return stacked([Recipe((regularizer,))] * NETWORKS).bind(columns).parts[0]


def hooks_of(regularizer):
    hooks = [hook for hook in HOOKS if overrides(regularizer, hook)]
    assert hooks, "a regularizer overrides a hook"
    return hooks


@every
def test_hooks_are_pure(regularizer):
    for hook in hooks_of(regularizer):
        for own in (regularizer, in_a_stack(regularizer)) if hook in STACK_HOOKS else (regularizer,):
            arguments = arguments_for(hook, regularizer)
            before = numbers_in(arguments)
            first = numbers_in(getattr(own, hook)(*arguments))
            assert_equal_numbers(numbers_in(arguments), before)
            assert_equal_numbers(first, numbers_in(getattr(own, hook)(*arguments_for(hook, regularizer))))


def tensors_in(thing):
    if isinstance(thing, torch.Tensor):
        return [thing]
    return [t for part in thing for t in tensors_in(part)] if isinstance(thing, list | tuple) else []


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_dtype_and_device_are_kept(regularizer, dtype):
    replacing = {"initialize": 0, "settle": 0,
                 "augment": slice(0, 2), "perturb_weights": 0, "perturb_units": 0, "constrain": 0,
                 "oppose": 0, "shown": 1}  # fmt: skip
    for hook in set(hooks_of(regularizer)) & set(TENSOR_HOOKS):
        for own in (regularizer, in_a_stack(regularizer)) if hook in STACK_HOOKS else (regularizer,):
            arguments = arguments_for(hook, regularizer, dtype)
            result = getattr(own, hook)(*arguments)
            if hook == "penalty":
                assert result.shape == (NETWORKS,)
                assert bool(result.isfinite().all())
                assert bool((result >= 0).all())
            if hook in replacing:
                given = tensors_in(arguments[replacing[hook]])
                for one, other in zip(given, tensors_in(result), strict=True):
                    assert (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
            if hook == "begin":
                assert all(len(tensor) == NETWORKS for tensor in result.values())
            if hook == "end_epoch":
                assert result[1] is None or (result[1].shape, result[1].dtype) == ((NETWORKS,), torch.bool)
                assert result[0].keys() == arguments[0].keys()
            if hook == "finish":
                assert result.shape == arguments[1].shape


# ---- 5


@every
def test_prediction_calls_no_hook(regularizer, monkeypatch):
    examples = examples_for("classes", image=image_for(regularizer))
    networks = train(
        examples, [job_for([regularizer], design_for("classes", **shape_for(regularizer)), examples)], workers=1
    )[0]
    before = [network.outputs(examples.inputs) for network in networks]

    def refuse(*arguments):
        raise AssertionError("a hook was called")

    for owner in (type(regularizer), Recipe):
        for hook in HOOKS:
            monkeypatch.setattr(owner, hook, refuse)
    for network, expected in zip(networks, before, strict=True):
        np.testing.assert_array_equal(network.outputs(examples.inputs), expected)


# ---- 6


@every
def test_text_pickle_and_copy_give_it_back(regularizer):
    grid = [type(regularizer)(), off(type(regularizer)()), *type(regularizer).grid()]
    holds_code = type(regularizer).__name__ in ("Resample", "Augment")
    for one in grid if holds_code else [*grid, off(regularizer), regularizer]:
        assert parse(repr(one)) == one
        assert hash(parse(repr(one))) == hash(one)
        assert pickle.loads(pickle.dumps(one)) == one
        assert copy.deepcopy(one) == copy.copy(one) == one
        assert parse(repr(Recipe((one, L2())))) == Recipe((one, L2()))
    for twin in (pickle.loads(pickle.dumps(regularizer)), copy.deepcopy(regularizer)):
        assert repr(twin) == repr(regularizer)


def test_a_sampler_cannot_be_written_as_text():
    with pytest.raises(UsageError, match="RandomUnderSampler"):
        parse(repr(strong(regularizers.Resample)))


# ---- 7


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_field_is_documented_with_its_default(cls):
    text = cls.__doc__
    for title in ("Parameters", "References", "Examples"):
        assert re.search(rf"^ +{title}\n +-{{{len(title)}}}$", text, re.MULTILINE), title
    assert ">>> " in text
    for field in (field for field in dataclasses.fields(cls) if field.init):
        found = re.search(rf"^ +{field.name} : .+, default (.+)$", text, re.MULTILINE)
        assert found, f"{field.name} is not documented with a default"
        assert (math.inf if found[1] == "inf" else ast.literal_eval(found[1])) == field.default
    assert set(cls.off) <= {field.name for field in dataclasses.fields(cls)}
    assert cls.off
    assert re.search(r"\boff\b|leaves every layer", text), "what off means"


# ---- 8


@every
def test_it_does_something(regularizer):
    for kind in kinds_for(regularizer):
        examples = examples_for(kind, image=image_for(regularizer))
        design = design_for(kind, epochs=8, **shape_for(regularizer))
        jobs = [
            job_for(recipe, design, examples, validation=not isinstance(regularizer, EarlyStopping))
            for recipe in ([], [regularizer])
        ]
        without, given = train(examples, jobs, workers=1)
        assert all(np.isfinite(part).all() for network in given for layer in network.layers for part in layer)
        different = [not np.array_equal(network.layers[0][0], without[0].layers[0][0]) for network in given]
        assert any(different)


# ---- 9


def untouched_rows(regularizer, kind, validation):
    """Train twice, the second time with other numbers and targets in the validation rows: the weights are the same.

    And what the networks say of those rows is the loss that training noted: they come as they are.
    """
    examples, design = examples_for(kind, image=image_for(regularizer)), design_for(kind, **shape_for(regularizer))
    watching = EarlyStopping(patience=99, restore_best=False)
    recipe = [dataclasses.replace(watching) if isinstance(regularizer, EarlyStopping) else regularizer]
    recipe += [] if validation or isinstance(regularizer, EarlyStopping) else [watching]
    job = job_for(recipe, design, examples, validation=validation)
    prepared = prepare(examples, job.recipe.plan(job))
    held = set.intersection(*(set(one.job.validation.tolist()) for one in prepared))
    assert held
    first = train(examples, [job], workers=1)[0]
    for one, network in zip(prepared, first, strict=False):
        weights, rows = examples.weights[one.job.validation], one.job.validation
        outputs, targets = network.outputs(examples.inputs[rows]), design.loss.encode(examples.targets[rows])
        if design.loss.standardizes:
            outputs, targets = ((part - network.target_centre) / network.target_scale for part in (outputs, targets))
        losses = design.loss.per_row(torch.tensor(outputs), torch.tensor(targets, dtype=torch.float64)).numpy()
        noted = np.average(losses, weights=weights)
        assert network.history["validation_loss"][-1] == pytest.approx(noted, rel=1e-4)
    poisoned = dataclasses.replace(examples, inputs=examples.inputs.copy(), targets=examples.targets.copy())
    poisoned.inputs[list(held)] = 1e4
    if validation:  # rows are held out by their classes, which must stay
        poisoned.targets[list(held)] = poisoned.targets[list(held)][::-1].copy()
    second = train(poisoned, [job], workers=1)[0]
    for one, other in zip(first, second, strict=True):
        assert one.history["loss"] == other.history["loss"]
        for (w, b), (v, c) in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(w, v)
            np.testing.assert_array_equal(b, c)
        for a, b in zip(one.scaling(), other.scaling(), strict=True):
            np.testing.assert_array_equal(a, b)


@every
def test_validation_rows_are_seen_by_no_augmentation(regularizer):
    for kind in kinds_for(regularizer):
        for validation in (True, False):
            if type(regularizer).__name__ == "Ensemble" and not validation:
                continue  # each member holds out rows of its own
            untouched_rows(regularizer, kind, validation)


@dataclasses.dataclass(frozen=True)
class Greedy(Regularizer):
    """Takes every row there is."""

    def resample(self, sample, rng):
        return dataclasses.replace(sample, rows=np.arange(len(sample.examples.inputs)))


@pytest.mark.parametrize("validation", [True, False])
def test_an_augmentation_that_sees_a_validation_row_breaks_the_law(validation):
    with pytest.raises(AssertionError):
        untouched_rows(Greedy(), "binary", validation)


# ---- 10


@every
def test_a_training_that_was_killed_goes_on_to_the_same_networks(regularizer, monkeypatch, tmp_path):
    class Killed(BaseException):
        pass

    def keep_and_die(self, stack, name):
        keep(self, stack, name)
        raise Killed

    keep = checkpoints.Checkpoints.keep
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "LARGEST_SHARE", 1e9)
    for kind in kinds_for(regularizer)[:2]:
        examples = examples_for(kind, image=image_for(regularizer))
        folder = checkpoints.Checkpoints(tmp_path / kind)
        design = design_for(kind, **shape_for(regularizer))
        faster = dataclasses.replace(design, optimizer=AdamW(0.02, schedule="cosine"))
        jobs = [job_for([regularizer], one, examples, seed) for seed, one in enumerate([design, faster])]
        monkeypatch.setattr(checkpoints.Checkpoints, "keep", keep_and_die)
        for _ in range(2):
            with pytest.raises(Killed):
                train(examples, jobs, workers=1, checkpoints=folder)
        monkeypatch.setattr(checkpoints.Checkpoints, "keep", keep)
        resumed = train(examples, jobs, workers=1, checkpoints=folder)
        for networks, expected in zip(resumed, train(examples, jobs, workers=1), strict=True):
            assert_identical(networks, expected)
