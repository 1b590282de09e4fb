"""Networks: one training loop, batches with named axes, blocks, weights. Needs torch (extra ``nets``).

`murid.learn.nets.params` alone does not import torch, so that methods can declare their parameters without it.
"""
