"""In which order the campaign makes its runs: what is cheap and decides much comes first.

Costs are hours of one core for all seeds, of all lines that follow the last one that says some: estimates from single
iterations, and measured where runs are done.
"""

ORDER = (  # (experiment, size, pattern of points)
    ("figure_1", "paper", "mc_*"),  # 0.2: four corners; claims 1, 2, 3, 20
    ("figure_1", "paper", "hc_*"),  # 0.4
    ("figure_2", "paper", "*"),  # 0.7: claim 4
    ("figure_a4", "medium", "mc"),  # 0.1
    ("figure_a1", "paper", "*"),  # 0.2: four corners; claims 12, 18
    ("figure_4", "paper", "cartpole_?"),  # 1.1: claims 8, 21
    ("figure_a3", "medium", "isotropic"),
    ("figure_a3", "medium", "asebo"),  # 0.2: claim 15
    ("noisy_hill_climbing", "navigation", "[ab]*"),  # 0.7: claim 22
    ("figure_3", "medium", "cheetah_direction_*"),  # 1.2: claims 5, 7
    ("figure_3", "medium", "few_*"),
    ("figure_a2", "medium", "cheetah_*"),  # 0.8: claim 13
    ("figure_a1", "medium", "*"),  # 0.8: claims 12, 18
    ("figure_a4", "medium", "pg"),  # 1: claim 16
    ("repeated_draws", "paper", "*mc*"),  # 0.6: what claims 2, 3 and 4 ask beside
    ("figure_2", "paper", "by_task"),
    ("repeated_draws", "paper", "*hc*"),
    ("figure_a4", "medium", "mc_*"),  # 0.4: what claim 16 asks
    ("figure_5", "medium", "*cheetah*"),  # 1.5: claims 10, 11, 21
    ("figure_1", "medium", "evo"),  # 0.4: claim 24
    ("figure_a3", "medium", "mc"),  # 0.8: claim 14
    ("figure_1", "medium", "evo_*"),  # 0.8: what claim 24 asks
    ("figure_4", "medium", "walker2d_H"),  # 0.9: claim 9
    ("figure_5", "medium", "L_es_queries20_walker2d_direction"),  # 0.8: claim 9, whose L is the same
    ("legged_robot", "paper", "hc"),  # 2.3: claim 23
    ("figure_4", "medium", "walker2d_L_*"),  # 0.8: what claim 9 asks
    ("figure_1", "paper_replication", "mc_*"),  # 0.8: claims 1, 2, 3, 20; replications have ten or fifteen seeds
    ("figure_1", "paper_replication", "hc_plain_*"),  # 0.3: claim 2
    ("figure_a1", "paper_replication", "*"),  # 0.2: claim 12
    ("figure_1", "paper_replication", "hc_*"),  # 0.9: claims 3, 20
    ("figure_1", "medium_replication", "*"),  # 1: claim 24
    ("figure_4", "paper_replication", "cartpole_L"),  # 1.2: claims 8, 21
    ("figure_2", "paper_replication", "relu"),  # 0.6: claim 4
    ("figure_3", "medium_replication", "*_queries20"),  # 1.8: claims 5, 7
    ("figure_3", "medium_replication", "few_?"),
    ("figure_3", "medium_replication", "*_queries5"),  # 1.3: claim 5
    ("figure_5", "medium_replication", "*walker2d*"),  # 1.4: claims 9, 21
    ("figure_a3", "medium_replication", "asebo"),  # 0.4: claim 15
    ("figure_a3", "medium_replication", "isotropic"),
    ("figure_a2", "medium_replication", "*"),  # 2.3: claim 13
    ("figure_a4", "medium_replication", "*"),  # 2.6: claim 16
    ("figure_5", "medium_replication", "*cheetah*"),  # 2.6: claims 10, 21
    ("figure_4", "medium_replication", "*"),  # 1.8: claim 9
    ("noisy_hill_climbing", "navigation_replication", "*"),  # 0.8: claim 22
    ("figure_4", "paper_replication", "cartpole_H"),  # 2.1: claim 8
    ("figure_a1", "medium_replication", "*"),  # 1.7: claims 12, 18
    ("figure_a3", "medium_replication", "*"),  # 1.6: claim 14
    ("figure_4", "medium", "walker2d_pg_L"),  # 2.7: claim 9
    ("figure_1", "medium", "pg_first_order"),  # 0.5: claim 24
    ("figure_1", "medium", "e_maml"),  # 0.8
    ("figure_a3", "medium", "ridge"),  # 0.8: claim 14
    ("legged_robot", "paper", "pg"),  # 2.2: claim 23
    ("legged_robot", "paper_replication", "hc"),  # 4.6
    ("figure_1", "medium", "pg"),  # 2.3: claims 1, 24
    ("hill_climbing_ant", "medium", "*_L"),  # 2.6: claim 6
    ("figure_4", "medium", "walker2d*"),  # 6: claim 9
    ("figure_a3", "medium", "*"),  # 1.6: claim 14
    ("figure_5", "medium", "*walker2d*"),  # 5: claims 10, 11, 21
    ("figure_a5", "medium", "*cheetah*"),  # 1.2: claim 17
    ("hill_climbing_ant", "medium", "*"),  # 2.6: claim 6
    ("figure_1", "medium", "mc_plain_queries20"),
    ("figure_4", "medium", "cartpole_?"),  # 2.5: claim 8
    ("figure_4", "medium", "cartpole_HH"),
    ("figure_4", "medium", "cartpole_pg_*"),
    ("figure_4", "paper", "cartpole_HH"),  # 0.7
    ("figure_1", "paper", "dpp_*_queries5"),  # 0.5: claims 2, 3; eigenvalues for each task of each evaluation
    ("figure_3", "medium", "cheetah_velocity_*"),  # 1: claim 5
    ("noisy_hill_climbing", "medium", "*"),  # 1.6: claim 22
    ("noisy_hill_climbing", "navigation", "*"),
    ("figure_a2", "medium", "*"),  # 0.7: claim 13
    ("figure_3", "medium", "ant_*"),  # 2.5: claim 5
    ("figure_5", "medium", "*ant*"),  # 2: claims 10, 11
    ("figure_1", "paper", "dpp_*_queries10"),  # 1.3
    ("figure_5", "medium", "*swimmer*"),  # 2.5
    ("figure_4", "medium", "swimmer*"),  # 3.5: claim 9
    ("figure_1", "paper", "dpp_*_queries20"),  # 4
    ("figure_a5", "medium", "*"),  # 4
)
