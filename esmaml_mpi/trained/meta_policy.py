"""A trained meta-policy in Python: act with it, and adapt it to a task of your own, one trial at a time."""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy, remembers, sees_rewards
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.results.reader import Results
from esmaml_mpi.rollouts.simulate import FEWEST
from esmaml_mpi.settings.fields import WORD, show
from esmaml_mpi.tasks.interface import Interface
from esmaml_mpi.trained.from_file import trained_of


class MetaPolicy:
    """The meta-policy of a run: ``theta`` after ``iteration`` meta-updates, and how it adapts. Where the operator has
    meta-parameters of its own, they follow those of the policy: theta is (d + e,).

    It needs nothing but the results, no simulator and no file of the family; but an operator, a sampler or a policy of
    your own, if they adapt and act. ``interface`` says what policies take and give.
    """

    config: Config
    iteration: int
    theta: np.ndarray
    interface: Interface

    def __init__(self, results: Results, at: str | int = "last", overrides: Iterable[str] = (), trust: bool = False):
        """``at``: "last", "best" (highest mean test reward after adaptation), or an iteration. ``overrides``: strings
        such as "adaptation.queries=5", to adapt otherwise than in training. ``trust``: an operator, a sampler
        or a policy of somebody's own that the file names may be imported. UserError if there is no such policy.
        """
        if not isinstance(results, Results):
            raise UsageError(f"results = {show(results)}: Results are wanted, as read_results(path) gives them.")
        trained = trained_of(results, at, overrides, trust)
        self.config, self.iteration, self.theta = trained.config, trained.iteration, trained.theta
        self._observer, self._subspace = trained.observer, trained.subspace
        self.interface = trained.interface
        self._policy = trained.policy
        self._free: list[Actor] = []  # those that no thread is acting with

    def act(self, parameters: ArrayLike, observation: ArrayLike) -> np.ndarray:
        """What the policy with ``parameters`` (d,) does on ``observation`` (n,), as measured: its outputs (m,).

        They are within +-1 where ``policy.output`` is tanh; ``action`` gives what they mean. Of a policy that
        acts at random they are the mean of its actions. Parameters that are those of the call before are not bound
        again. UsageError if either is no array of this size, or if the policy remembers what it has seen: who acts with
        one says by ``bind`` where its episodes begin.
        """
        if remembers(self._policy):
            raise UsageError(
                f"policy.architecture = {self.config.policy.architecture!r}: the policy remembers what it has seen, "
                "and act(parameters, observation) does not say when an episode begins. Use bound = "
                "meta.bind(parameters), call bound.reset() where an episode begins, and act by bound.act(observation)."
            )
        parameters = self._parameters(parameters)
        bits = parameters.tobytes()
        try:
            actor = self._free.pop()
        except IndexError:
            actor = None
        if actor is None or actor.bits != bits:
            actor = self._actor(parameters)
        action = actor.act(observation)
        self._free.append(actor)
        return action

    def action(self, parameters: ArrayLike, observation: Any, mask: Any = None) -> Any:
        """What the policy with ``parameters`` (d,) does on an observation as the environment gives it: an action that
        the environment takes, scaled to its bounds or chosen from its choices.

        ``mask`` is ``info["action_mask"]``, where the environment has one: what it forbids is not chosen. UsageError if
        the observation is not one of the environment's.
        """
        return self.interface.action(self.act(parameters, self.interface.vector(observation)), mask)

    def bind(self, parameters: ArrayLike) -> "Actor":
        """The policy with ``parameters`` (d,), bound once for many calls of its ``act``. UsageError if they are not d.

        It belongs to one thread at a time. A policy that remembers is at the start of an episode; ``reset`` takes it
        back there.
        """
        return self._actor(self._parameters(parameters))

    def _parameters(self, values: ArrayLike) -> np.ndarray:
        """Those (d,) of a policy; of meta-parameters like theta, below whose an operator's own may stand, these."""
        size = self._policy.size
        return _vector("parameters", values, size, len(self.theta))[:size]

    def _actor(self, parameters: np.ndarray) -> "Actor":
        return Actor(self._policy, parameters, self._observer, self.interface)

    def adaptation(self, seed: int = 0, rewards: Iterable[float] = (), task: int = 0) -> Adaptation:
        """A session that starts from theta: ``ask`` for parameters to try, ``tell`` their reward, until ``done``.

        ``rewards`` are those told before an interruption. ``seed`` and ``task``, a number of yours, key its random
        directions; where ``adaptation.draws`` is "fixed" neither does, and where it is "by_task" the task's id alone.
        """
        for name, number, end in (("seed", seed, WORD), ("task", task, 2**32)):
            if not isinstance(number, Integral) or isinstance(number, bool) or not 0 <= number < end:
                raise UsageError(f"{name} = {show(number)}: an integer from 0 to {end - 1} is wanted.")
        adaptation = self.config.adaptation
        return Adaptation(
            make_operator(self.config),
            self.theta,
            seed,
            rewards,
            sampler=make_sampler(adaptation.directions, adaptation.direction_options, "adaptation"),
            subspace=self._subspace,
            at=Round(Phase.EVALUATE, self.iteration),
            task=task,
            policy=self._policy,
            draws=adaptation.draws,
        )


class Actor:
    """A policy with one vector of parameters, which acts on one observation at a time."""

    def __init__(self, policy: AnyPolicy, parameters: np.ndarray, observer: Observer, interface: Interface):
        # As in training, never alone: results must not depend on the size of a batch.
        self._batch = np.repeat(parameters[:, None], FEWEST, axis=1)
        self.bits, self._interface = parameters.tobytes(), interface
        self._policy, self._observer = policy, observer
        self._seen = np.empty((policy.observation_size, FEWEST))
        self._untold = False
        self._bound: Any
        self._bind()

    def act(self, observation: ArrayLike) -> np.ndarray:
        """Outputs (m,) on an observation (n,), as measured. UsageError if it is no array of this size, or if a policy
        that sees its rewards was not told what its last action has earned.
        """
        if self._untold:
            raise UsageError("the policy sees its rewards: tell(reward, over) is wanted between two calls of act.")
        self._seen.T[:] = _vector("observation", observation, len(self._seen))
        action: np.ndarray = self._bound.act(self._seen)[:, 0].copy()
        self._untold = sees_rewards(self._policy)
        return action

    def tell(self, reward: float, over: bool = False) -> None:
        """What the last action has earned, and whether its episode ended with it, at the horizon or before: for
        policies that see their rewards, as those of ``adaptation.operator = "recurrent"``. UsageError for others, and
        if it is no finite number.
        """
        if not sees_rewards(self._policy):
            raise UsageError("tell: this policy does not see its rewards; a session's tell is for those of trials.")
        if not isinstance(reward, Real) or isinstance(reward, bool) or not np.isfinite(reward):
            raise UsageError(f"reward = {show(reward)}: a finite number is wanted.")
        self._bound.tell(np.full(FEWEST, float(reward)), np.full(FEWEST, bool(over)))
        self._untold = False

    def reset(self) -> None:
        """Forget everything: the next observation is the first of an episode, of a lifetime where rewards are seen."""
        if remembers(self._policy):
            self._bind()
        self._untold = False

    @property
    def state(self) -> np.ndarray:
        """What it remembers (s,), a copy; none, (0,), of a policy that remembers nothing. To be kept, and given back by
        assignment, where an episode is to go on later. UsageError for a policy that does not say what it remembers.
        """
        size = self._state_size()
        return self._bound.state[:, 0].copy() if size else np.empty(0)

    @state.setter
    def state(self, values: ArrayLike) -> None:
        state = _vector("state", values, self._state_size())
        if len(state):
            self._bound.state = np.repeat(state[:, None], FEWEST, axis=1)
        self._untold = False

    def _state_size(self) -> int:
        size: int | None = getattr(self._policy, "state_size", None)
        if size is None:
            raise UsageError(
                f"state: {type(self._policy).__name__} has no state_size, and does not say what it remembers."
            )
        return size

    def _bind(self) -> None:
        self._bound = self._policy.bind(self._batch, self._observer.mean, self._observer.std)

    def action(self, observation: Any, mask: Any = None) -> Any:
        """An action that the environment takes, on an observation as it gives it: see ``MetaPolicy.action``."""
        return self._interface.action(self.act(self._interface.vector(observation)), mask)


def _vector(name: str, values: ArrayLike, *sizes: int) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):  # a dictionary of observations, for example
        raise UsageError(f"{name} = {show(values)}: numbers ({sizes[0]},) are wanted.") from None
    if array.shape not in [(size,) for size in sizes]:
        raise UsageError(f"{name} of shape {array.shape}: ({sizes[0]},) is wanted.")
    return array
