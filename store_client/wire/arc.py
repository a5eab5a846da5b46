"""Training specs as ARC writes them: what to train, on what, how, and for how long. The names are ARC's own.

Whatever fields mean together is checked on the whole record, so that defaults are checked too.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from store_client.wire.record import Body
from store_client.wire.scalars import NonEmpty, Number, Text

MAX_PATH = 1000
GPU_IDS = 8
SPLITS_TOLERANCE = 0.01


class GPUAllocation(StrEnum):
    GPU0 = "gpu0"
    GPU1 = "gpu1"
    GPU2 = "gpu2"
    AUTO = "auto"

    @property
    def gpu_id(self) -> int | None:
        """The GPU that it names; None leaves the choice to the queue."""
        return None if self is GPUAllocation.AUTO else int(self.value.removeprefix("gpu"))


class ArchitectureFamily(StrEnum):
    RESNET = "resnet"
    EFFICIENTNET = "efficientnet"
    VIT = "vit"
    DENSENET = "densenet"
    INCEPTION = "inception"
    CUSTOM = "custom"


class DatasetType(StrEnum):
    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    CROSS_VAL = "cross_val"


class PreprocessingType(StrEnum):
    NORMALIZE = "normalize"
    RESIZE = "resize"
    AUGMENT = "augment"
    CROP = "crop"
    FILTER = "filter"
    CUSTOM = "custom"


class NoveltyClass(StrEnum):
    """How far a spec goes from what is known to work."""

    EXPLOIT = "exploit"
    EXPLORE = "explore"
    WILDCAT = "wildcat"


def _has_no_way_up(path: str) -> str:
    if ".." in path.split("/") or "\\" in path or any(ord(character) < 32 for character in path):
        raise ValueError("must not contain '..', a backslash or a control character")
    return path


def _is_inside(path: str) -> str:
    if path.startswith(("/", "~")):
        raise ValueError("must be relative: it lies in the workspace of the attempt")
    return _has_no_way_up(path)


SafeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""An id that is safe as the name of a file."""
DataPath = Annotated[NonEmpty, StringConstraints(max_length=MAX_PATH), AfterValidator(_has_no_way_up)]
InnerPath = Annotated[NonEmpty, StringConstraints(max_length=MAX_PATH), AfterValidator(_is_inside)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class PreprocessingStep(Body):
    type: PreprocessingType
    params: dict[str, JsonValue] = Field(default_factory=dict)
    order: int = Field(ge=0)


class PreprocessingChain(Body):
    """Steps, kept in their order."""

    chain_id: SafeId
    steps: tuple[PreprocessingStep, ...] = ()
    description: Text | None = None

    nulls: ClassVar[frozenset[str]] = frozenset({"description"})

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        orders = [step.order for step in self.steps]
        if len(set(orders)) < len(orders):
            raise ValueError("steps: two of them have the same order")
        object.__setattr__(self, "steps", tuple(sorted(self.steps, key=lambda step: step.order)))
        return self


class OptimizerConfig(Body):
    type: Literal["adam", "sgd", "adamw", "rmsprop"] = "adam"
    learning_rate: Number = Field(gt=0, le=1)
    weight_decay: Number = Field(default=0.0, ge=0, le=0.1)
    momentum: Number | None = Field(default=None, ge=0, le=1)
    beta1: Number = Field(default=0.9, ge=0, lt=1)
    beta2: Number = Field(default=0.999, ge=0, lt=1)

    nulls: ClassVar[frozenset[str]] = frozenset({"momentum"})


class SchedulerConfig(Body):
    """How the learning rate changes."""

    type: Literal["step", "cosine", "plateau", "none"] = "step"
    step_size: int | None = Field(default=None, ge=1)
    gamma: Number | None = Field(default=None, gt=0, le=1)
    patience: int | None = Field(default=None, ge=1)

    nulls: ClassVar[frozenset[str]] = frozenset({"step_size", "gamma", "patience"})

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        if self.type == "step" and self.step_size is None:
            raise ValueError("step_size: the type step needs it; give one, or another type")
        if self.type == "plateau" and self.patience is None:
            raise ValueError("patience: the type plateau needs it; give one, or another type")
        return self


class HyperparameterConfig(Body):
    batch_size: int = Field(default=32, ge=1, le=512)
    epochs: int = Field(default=100, ge=1, le=500)
    optimizer: OptimizerConfig
    scheduler: SchedulerConfig | None = None
    early_stopping_patience: int = Field(default=10, ge=1)
    gradient_clip: Number | None = Field(default=None, gt=0)
    mixed_precision: bool = False

    nulls: ClassVar[frozenset[str]] = frozenset({"scheduler", "gradient_clip"})


class ArchitectureConfig(Body):
    """What is trained; other domains say theirs in `custom_config` or in a `grammar`, which goes before the family."""

    family: ArchitectureFamily
    variant: NonEmpty
    pretrained: bool = True
    num_classes: int = Field(ge=1)
    dropout: Number = Field(default=0.5, ge=0, le=0.9)
    custom_config: dict[str, JsonValue] | None = None
    grammar: dict[str, JsonValue] | None = None

    nulls: ClassVar[frozenset[str]] = frozenset({"custom_config", "grammar"})

    @model_validator(mode="after")
    def _says_what_custom_is(self) -> Self:
        if self.family is ArchitectureFamily.CUSTOM and self.custom_config is None and self.grammar is None:
            raise ValueError("custom_config: the family custom needs it, or a grammar")
        return self


class DatasetConfig(Body):
    dataset_id: SafeId
    dataset_type: DatasetType
    data_path: DataPath
    preprocessing_chain_id: SafeId | None = None
    train_split: Number = Field(default=0.8, ge=0.1, le=0.9)
    val_split: Number = Field(default=0.1, ge=0.05, le=0.5)
    test_split: Number = Field(default=0.1, ge=0.05, le=0.5)

    nulls: ClassVar[frozenset[str]] = frozenset({"preprocessing_chain_id"})

    @model_validator(mode="after")
    def _splits_are_the_whole(self) -> Self:
        total = self.train_split + self.val_split + self.test_split
        if abs(total - 1) > SPLITS_TOLERANCE + 1e-9:
            raise ValueError(f"train_split, val_split and test_split together are {total:g}; they must be 1")
        return self


class ExperimentSpec(Body):
    """One training, whole. ARC calls it an experiment."""

    schema_version: Literal[1] = 1
    experiment_id: SafeId
    description: Text
    architecture: ArchitectureConfig
    hyperparameters: HyperparameterConfig
    dataset: DatasetConfig
    preprocessing: PreprocessingChain | None = None
    cycle_id: int = Field(ge=0)
    novelty_class: NoveltyClass = NoveltyClass.EXPLOIT
    priority: int = Field(default=5, ge=0, le=10)
    max_training_time: int = Field(default=3600, ge=60, le=86_400, description="seconds")
    gpu_allocation: GPUAllocation = GPUAllocation.AUTO
    tags: tuple[Tag, ...] = Field(default=(), max_length=16)
    parent_experiment_id: SafeId | None = None

    nulls: ClassVar[frozenset[str]] = frozenset({"preprocessing", "parent_experiment_id"})

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.parent_experiment_id == self.experiment_id:
            raise ValueError("parent_experiment_id: a spec is not its own parent")
        named, given = self.dataset.preprocessing_chain_id, self.preprocessing
        if named is not None and given is not None and named != given.chain_id:
            raise ValueError(f"dataset.preprocessing_chain_id is {named}, and preprocessing is {given.chain_id}")
        return self


class TrainingJobConfig(Body):
    """A spec, and how it is to be run."""

    job_id: SafeId
    experiment_spec: ExperimentSpec
    gpu_id: int | None = Field(default=None, ge=0, lt=GPU_IDS)
    checkpoint_dir: InnerPath
    log_dir: InnerPath
    resume_from_checkpoint: InnerPath | None = None
    save_checkpoints: bool = True
    checkpoint_interval: int = Field(default=10, ge=1, description="epochs")
    log_interval: int = Field(default=100, ge=1, description="batches")
    validation_interval: int = Field(default=1, ge=1, description="epochs")
    max_retries: int = Field(
        default=1, ge=0, le=3, description="of an attempt that was lost through no fault of its own"
    )
    timeout: int = Field(ge=60, description="seconds; the max_training_time of the spec")
    submitted_at: datetime | None = None
    submitted_by: NonEmpty = Field(default="arc_orchestrator", max_length=200)

    nulls: ClassVar[frozenset[str]] = frozenset({"gpu_id", "resume_from_checkpoint", "submitted_at"})

    @model_validator(mode="after")
    def _agrees_with_its_spec(self) -> Self:
        spec = self.experiment_spec
        if self.timeout != spec.max_training_time:
            raise ValueError(
                f"timeout is {self.timeout} s and the max_training_time of the spec {spec.max_training_time} s: "
                "there is one limit, so say the same twice"
            )
        wanted = spec.gpu_allocation.gpu_id
        if self.gpu_id is not None and wanted is not None and self.gpu_id != wanted:
            raise ValueError(f"gpu_id is {self.gpu_id}, and the gpu_allocation of the spec is {spec.gpu_allocation}")
        return self

    @property
    def only_gpu(self) -> int | None:
        """The GPU that it insists on; None leaves the choice to the queue."""
        return self.gpu_id if self.gpu_id is not None else self.experiment_spec.gpu_allocation.gpu_id
