"""Claims of the paper on legged robots, on a simulated quadruped and a stand-in."""

from papers.parts import NOTHING, ROBOT, Claim, Part, each

NOISE = 10, 30, 100  # of a reward on Navigation-2D, standard deviation


def _navigation(about: str, other: str, scheme: str = "batch", noises=NOISE, **how) -> Part:
    own, others = (each(f"{name}_noise_std{{}}", *noises) if name else () for name in (scheme, other))
    return Part(about, "noisy_hill_climbing", "navigation", own, others, **how)


CLAIMS = (
    Claim(
        22,
        "Batch hill climbing copes with noisy rewards better than averaging rewards over several runs.",
        ROBOT,
        "conclusion",
        "test reward after adaptation, 50 rollouts each; Navigation-2D is a stand-in of ours. What training brings "
        "there is beside, and so is sequential hill climbing, of which nothing is claimed",
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
            _navigation("the same, batch against average, before training", "average", quantity="first", beside=True),
            *(
                _navigation(f"{scheme}, gained by training", "", scheme=scheme, quantity="progress", beside=True)
                for scheme in ("batch", "average")
            ),
            *(
                _navigation(f"batch against average, noise {noise}", "average", noises=(noise,), beside=True)
                for noise in NOISE
            ),
        ),
        unknown="the noise, the robot's tasks, how 50 rollouts are split; on Navigation-2D the horizon, here 100",
        mind="that batch is ahead is not yet that it copes with noise. It is ahead least where there is most noise. "
        "How far it would be ahead without any was not run. Training makes both worse",
    ),
    Claim(
        23,
        "The algorithm adapts more than MAML by policy gradients, and to two environments with drastically changed "
        "dynamics.",
        ROBOT,
        "conclusion",
        "what adaptation gains in test reward: against PG-MAML at as many rollouts, mean over four named robots; by "
        "itself, on the two with a low battery and a weight at one side, and on the one on a slippery floor. "
        "What training adds to that is beside. The paper's robot is a real one, ours is simulated",
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
            Part("low battery and a weight", "legged_robot", "paper", ("hc",), quantity="gain_loaded"),
            Part("slippery floor", "legged_robot", "paper", ("hc",), quantity="gain_slippery"),
            *(
                Part(
                    f"{name}, added by training",
                    "legged_robot",
                    "paper",
                    ("hc",),
                    quantity=f"{quantity}_gained",
                    beside=True,
                )
                for name, quantity in (("low battery and a weight", "gain_loaded"), ("slippery floor", "gain_slippery"))
            ),
            Part("gain of batch hill climbing", "legged_robot", "paper", ("hc",), quantity="gain", beside=True),
            Part("reward, against PG-MAML", "legged_robot", "paper", ("hc",), ("pg",), at="rollouts", beside=True),
        ),
        unknown="PG-MAML's constants, the robot's tasks, how many evaluations and iterations (16 + 4 of one robot "
        "each, and 50: the size called paper is ours), how 50 rollouts are split",
        mind="on the robots with a low battery and a weight training is not seen to add to what adaptation gains",
    ),
)
