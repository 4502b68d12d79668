"""Claims of the paper on legged robots, on a simulated quadruped and a stand-in."""

from claim_parts import NOTHING, ROBOT, Claim, Part, each

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
            Part(
                "Navigation-2D, mean over noise 10, 30, 100, batch against average",
                "noisy_hill_climbing",
                "navigation",
                each("batch_noise_std{}", 10, 30, 100),
                each("average_noise_std{}", 10, 30, 100),
            ),
            Part(
                "the same, batch against sequential",
                "noisy_hill_climbing",
                "navigation",
                each("batch_noise_std{}", 10, 30, 100),
                each("sequential_noise_std{}", 10, 30, 100),
                claimed=NOTHING,
                beside=True,
            ),
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
