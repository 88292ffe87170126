// State files from anywhere, and with a good checksum, so that what lies behind it is reached.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory_resource>
#include <span>
#include <vector>

#include <gemma4/api/state_file.hpp>
#include <gemma4/core/error.hpp>

namespace
{
    // Small, so that a file is too.
    struct micro
    {
        static constexpr char const* name = "micro";
        static constexpr gemma4::text_config text{.vocab = 256,
                                                  .hidden = 16,
                                                  .layers = 2,
                                                  .global_every = 2,
                                                  .heads = 1,
                                                  .kv_heads = 1,
                                                  .global_kv_heads = 1,
                                                  .head_dim = 16,
                                                  .global_head_dim = 16,
                                                  .window = 128,
                                                  .ffn = 16,
                                                  .max_positions = 1024};
    };

    void read(std::span<std::byte const> bytes)
    {
        gemma4::state_options const options{
            .context = 512, .chunk = 16, .rewind_reserve = 0, .kv = gemma4::kv_type::int8};
        try
        {
            auto saved = gemma4::read_state<micro>(bytes, "fuzz.state", {micro::name, 7, 9}, options,
                                                   std::pmr::get_default_resource());
            // what was accepted is a state like any other
            auto copy = saved.past.fork();
            copy.prepare(3);
            copy.commit(3);
            if (auto const at = copy.nearest_checkpoint(copy.size()); at != 0) { copy.rewind(at); }
            copy.pin();
            copy.clear();
        }
        catch (gemma4::error const&)
        {}
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::vector<std::byte> bytes(size);
    if (size != 0) { std::memcpy(bytes.data(), data, size); }
    read(bytes);
    if (size < 24) { return 0; }
    auto const body = std::span(bytes).first(size - 8);
    auto const sum = gemma4::sealed_sum(body);
    std::memcpy(bytes.data() + size - 8, &sum, sizeof sum);
    read(bytes);
    return 0;
}
