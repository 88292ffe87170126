// expect: gemma4: active_experts cannot exceed experts
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_a4b::text;
#if GEMMA4_FAIL
        text.active_experts = 17;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
