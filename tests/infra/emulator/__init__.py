"""An emulated AWS: moto's server, with the calls and fields that Terraform's provider needs and moto lacks.

Each module of `services` adds to one service and says for which of our resources; `repeats` stands before all of them.
Nothing here decides anything: what Terraform sent is stored and returned, as AWS does.
"""
