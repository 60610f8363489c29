import torch
from torch import nn

from nvczoo.train.average import Average


def test_the_average_follows_and_can_stand_in() -> None:
    module = nn.Linear(2, 2)
    average = Average(module, decay=0.9)
    with torch.no_grad():
        module.weight.fill_(1.0)
        for _ in range(200):
            average.update()
        module.weight.fill_(2.0)
    average.update()
    assert torch.allclose(average.kept["weight"], torch.tensor(1.1))
    with average.in_place():
        assert torch.allclose(module.weight, torch.tensor(1.1))
    assert torch.equal(module.weight, torch.full((2, 2), 2.0))


def test_a_short_run_forgets_its_random_start() -> None:
    module = nn.Linear(1, 1)
    nn.init.constant_(module.weight, 100.0)
    average = Average(module, decay=0.999)
    nn.init.constant_(module.weight, 0.0)
    for _ in range(50):
        average.update()
    assert average.kept["weight"].item() < 0.1


def test_counters_are_taken_over_as_they_are() -> None:
    module = nn.BatchNorm1d(2)
    average = Average(module, decay=0.9)
    module(torch.rand(4, 2))
    average.update()
    assert average.kept["num_batches_tracked"] == 1
