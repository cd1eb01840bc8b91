"""The state of one run: what the machine knows, and its status and its observers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.agenda import Agenda
from aggregator.engine.limits import Gate
from aggregator.engine.scope import Scope

if TYPE_CHECKING:
    from aggregator.engine.admission import Waiting
    from aggregator.engine.cluster_limits import ClusterLimits
    from aggregator.engine.node import Node
    from aggregator.lang.context import Context
    from aggregator.lang.tags import Tree
    from aggregator.plan.program import Program


class RunState(Agenda):
    """One run as it stands. Only the machine changes it."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.at = 0.0
        self.name = ""
        self.uid = ""
        self.namespace = "default"
        self.created = 0.0
        self.phase = ""
        self.message = ""
        self.started: float | None = None
        self.finished: float | None = None
        self.stop = ""
        """`Stop`, `Terminate` or `deadline` once the run is being ended early."""
        self.stop_message = ""
        self.told = ""
        """What whoever stopped the run said about it."""
        self.signal = ""
        self.suspended = False
        self.untold: list[Node] = []
        """Nodes that have ended while the run was suspended; what follows from it waits until it is resumed."""
        self.options: dict[str, Any] = {}
        self.workflow: dict[str, Any] = {}
        self.spec: dict[str, Any] = {}
        """The workflow's spec with the run's variables filled in, templates excepted."""
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.locked = ""
        self.waits_for = ""
        """The lock of its own that the run waits for before it starts."""
        self.asked: dict[int, tuple[str, ...]] = {}
        """The locks that nodes, and the run itself, have asked for."""
        """The run as holder of the workflow's own locks."""
        self.outputs: dict[str, list[dict[str, Any]]] = {}
        self.program: Program
        self.globals = Scope(None)
        self.config_maps: dict[str, dict[str, Any]] = {}
        self.context: Context
        self.repository: Tree | None = None
        """Where output artifacts go that name no place: the default repository, its key format still with tags."""
        self.workflow_gate = Gate(None)
        self.suspend_gate = Gate(None)
        self.slots: dict[str, Gate] = {}
        self.gate_of: dict[str, Gate | None] = {}
        """By template kind the gate of its class of leaves, one of `slots`."""
        self.volumes: list[dict[str, Any]] = []
        """The run's volumes, and those made from its claim templates."""
        self.active: dict[int, Node] = {}
        """Leaves that were started and have not answered, by number."""
        self.waiting: dict[int, Waiting] = {}
        """Nodes that wait for their locks, for the cache or for a place, by number."""
        self.suspensions: dict[int, Node] = {}
        """Running suspend nodes, by number."""
        self.due: dict[int, float] = {}
        """When suspend nodes with a duration go on by themselves, by number."""
        self.daemons: dict[int, Node] = {}
        """Daemons that are up, by number."""
        self.root: Node | None = None
        self.exit_node: Node | None = None
        self.result: tuple[str, str] = ("", "")
        self.kept: dict[str, Any] = {}
        self.new_kept: list[tuple[str, Any]] = []
        self.first_failure: Node | None = None
        self.condition_problems: list[str] = []
        self.garbage_problems: list[str] = []
        """Why artifacts that should be gone are not."""
        self.cluster: ClusterLimits | None = None
        """Looks at sizes that a cluster would refuse, where the run asks for it."""
