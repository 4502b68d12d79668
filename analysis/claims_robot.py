"""Claims of the paper on legged robots, on a simulated quadruped and a stand-in."""

from claim_parts import NOTHING, ROBOT, Claim, Part, each

NOISE = 10, 30, 100  # of a reward on Navigation-2D, standard deviation


def _navigation(about: str, other: str, **how) -> Part:
    batch, others = (each(f"{scheme}_noise_std{{}}", *NOISE) for scheme in ("batch", other))
    return Part(about, "noisy_hill_climbing", "navigation", batch, others, **how)


CLAIMS = (
    Claim(
        22,
        "Batch hill climbing copes with noisy rewards better than averaging rewards over several runs.",
        ROBOT,
        "conclusion",
        "test reward after adaptation, 50 rollouts each; Navigation-2D is a stand-in of ours. Nothing is claimed of "
        "sequential hill climbing, which is beside",
        (
            Part(
                "quadruped, noise 0.3, batch against average",
                "noisy_hill_climbing",
                "medium",
                ("batch_noise_std0.3",),
                ("average_noise_std0.3",),
            ),
            _navigation("Navigation-2D, mean over noise 10, 30, 100, batch against average", "average"),
            _navigation("the same, batch against sequential", "sequential", claimed=NOTHING, beside=True),
        ),
        unknown="the noise, the robot's tasks, how 50 rollouts are split",
    ),
    Claim(
        23,
        "The algorithm adapts more than MAML by policy gradients, and to two environments with drastically changed "
        "dynamics.",
        ROBOT,
        "conclusion",
        "what adaptation gains in test reward on four named robots, two with a low battery and a weight, one on a "
        "slippery floor; against PG-MAML at as many rollouts. The paper's robot is a real one, ours is simulated",
        (
            Part(
                "gain, batch hill climbing against PG-MAML",
                "legged_robot",
                "paper",
                ("hc",),
                ("pg",),
                "gain",
                at="rollouts",
            ),
            Part("gain of batch hill climbing", "legged_robot", "paper", ("hc",), quantity="gain"),
            Part("reward, against PG-MAML", "legged_robot", "paper", ("hc",), ("pg",), at="rollouts", beside=True),
        ),
        unknown="PG-MAML's constants, the robot's tasks",
    ),
)
