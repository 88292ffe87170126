// expect: gemma4: the layers before the KV-shared ones must hold an owner of each attention kind
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_e2b::text;
#if GEMMA4_FAIL
        text.kv_shared_layers = 11;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
