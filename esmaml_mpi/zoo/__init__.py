"""The zoo: small trained meta-policies that come with the package, and the scores stated of them"""
