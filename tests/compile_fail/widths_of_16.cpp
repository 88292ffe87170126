// expect: gemma4: hidden, ffn, shared_ffn, expert_ffn and per_layer_input must be multiples of 16
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_e2b::text;
#if GEMMA4_FAIL
        text.per_layer_input = 24;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
