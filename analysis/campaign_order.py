"""In which order the campaign makes its runs: what is cheap and decides much comes first.

Costs are hours of one core for five seeds, of all lines that follow the last one that says some: estimates from single
iterations.
"""

ORDER = (  # (experiment, size, pattern of points)
    ("figure_1", "paper", "mc_*"),  # 0.2: four corners; claims 1, 2, 3, 20
    ("figure_1", "paper", "hc_*"),  # 0.4
    ("figure_2", "paper", "*"),  # 0.4: claim 4
    ("figure_a4", "medium", "mc"),
    ("figure_a1", "paper", "*"),  # 0.1: four corners; claims 12, 18
    ("figure_4", "paper", "cartpole_?"),  # 0.3: claims 8, 21
    ("figure_4", "paper", "cartpole_HH"),
    ("noisy_hill_climbing", "navigation", "*"),  # 1: claim 22
    ("figure_4", "medium", "cartpole_?"),
    ("figure_4", "medium", "cartpole_HH"),
    ("figure_a4", "medium", "pg"),  # 1: claim 16
    ("figure_1", "medium", "mc_plain_queries20"),
    ("figure_1", "medium", "pg"),  # 2.5: claim 1
    ("figure_3", "medium", "cheetah_*"),  # 4.5: claims 5, 7
    ("figure_3", "medium", "few_*"),
    ("figure_a3", "medium", "isotropic"),
    ("figure_a3", "medium", "asebo"),  # 0.3: claim 15
    ("hill_climbing_ant", "medium", "*"),  # 5: claims 6, 5
    ("figure_a1", "medium", "*"),  # 1.3: claims 12, 18
    ("figure_a2", "medium", "*"),  # 3: claim 13
    ("legged_robot", "paper", "*"),  # 2: claim 23
    ("noisy_hill_climbing", "medium", "batch*"),  # 1.6: claim 22
    ("noisy_hill_climbing", "medium", "average*"),
    ("figure_3", "medium", "ant_*"),  # 5: claim 5
    ("figure_5", "medium", "*cheetah*"),  # 3: claims 10, 11
    ("figure_5", "medium", "*walker2d*"),  # 2
    ("figure_1", "medium", "evo"),  # 2.5: claim 24
    ("figure_1", "medium", "pg_first_order"),
    ("figure_1", "medium", "e_maml"),
    ("figure_4", "medium", "cartpole_pg_*"),  # 5: claim 8
    ("figure_4", "medium", "walker2d*"),  # 4: claim 9
    ("figure_5", "medium", "*ant*"),  # 4: claims 10, 11
    ("figure_1", "paper", "dpp_*_queries5"),  # 1.5: claims 2, 3; eigenvalues for each task of each evaluation
    ("figure_1", "paper", "dpp_*_queries10"),  # 5
    ("figure_5", "medium", "*swimmer*"),  # 5
    ("figure_4", "medium", "swimmer*"),  # 7: claim 9
    ("figure_a3", "medium", "*"),  # 4: claim 14
    ("figure_a5", "medium", "*"),  # 10: claim 17
    ("figure_1", "paper", "dpp_*_queries20"),  # 17
)
