// expect: gemma4: experts, active_experts and expert_ffn go together: all zero or all positive
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_a4b::text;
#if GEMMA4_FAIL
        text.expert_ffn = 0;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
