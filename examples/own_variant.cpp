// A model of our own: a name and a table of numbers. The library is not touched, and the compiler makes a decoder for it.
#include <gemma4/gemma4.hpp>

#include <iostream>

struct my_model
{
    static constexpr char const* name = "my_model";
    static constexpr gemma4::text_config text{
        .vocab = 1024, .hidden = 64, .layers = 8, .global_every = 4,
        .heads = 4, .kv_heads = 2, .global_kv_heads = 1, .head_dim = 32, .global_head_dim = 64, .window = 32,
        .ffn = 128, .kv_shared_layers = 4, .per_layer_input = 16,
    };
};

int main()
{
    // There is no checkpoint of it: random weights. With one it would be gemma4::load<my_model>("folder").
    auto model = gemma4::engine<my_model>::random(gemma4::dtype::bf16, {.context = 256});
    gemma4::session session{model};
    auto run = session.complete(std::vector<gemma4::token_id>{2, 17, 42}, {.stop = {.max_tokens = 8}});
    run.rest();
    for (auto token : run.tokens()) { std::cout << token << ' '; }
    std::cout << "from " << model.plan().full() << " bytes\n";
    return run.tokens().size() == 8 ? 0 : 1;
}
