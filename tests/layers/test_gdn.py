import torch

from nvczoo.layers.gdn import GDN, IGDN, LEAST_GAMMA, PEDESTAL


def test_each_channel_is_divided_by_what_all_channels_amount_to() -> None:
    torch.manual_seed(0)
    layer, x = GDN(3), torch.randn(2, 3, 4, 5)
    layer.gamma.data.uniform_(0.1, 0.5)
    weights = layer.gamma.detach() ** 2 - PEDESTAL
    norm = (1 + torch.einsum("ij,bjhw->bihw", weights, x**2)).sqrt()
    torch.testing.assert_close(layer(x), x / norm)
    inverse = IGDN(3)
    inverse.load_state_dict(layer.state_dict())
    torch.testing.assert_close(inverse(x), x * norm)


def test_stored_weights_below_the_bound_act_as_the_bound() -> None:
    low, high, x = GDN(3), GDN(3), torch.randn(1, 3, 2, 2)
    low.gamma.data.fill_(-0.3)
    high.gamma.data.fill_(LEAST_GAMMA)
    low.beta.data.fill_(-1.0)
    high.beta.data.fill_(0.0)
    assert torch.equal(low(x), high(x))
    assert low(x).isfinite().all()


def test_a_gradient_lifts_what_lies_below_the_bound_and_pushes_it_no_further_down() -> None:
    layer, x = GDN(2), torch.ones(1, 2, 1, 1)
    layer.gamma.data.fill_(-0.1)
    (-layer(x)).sum().backward()  # smaller weights would make the sum larger
    assert (layer.gamma.grad == 0).all()
    layer.gamma.grad = None
    layer(x).sum().backward()
    assert (layer.gamma.grad < 0).all()
