// Any bytes as a packed model: an error, or a model that lies within its file, is read to its last row and
// runs.
//
// An input that begins with the magic is a file, taken as it is and then with its checksums set right, so
// that what lies behind them is reached. Any other input is an index over a fixed body, which complete models
// need: their indices are short, their weights are not. Seeds are what packed_writer made of random weights
// of this variant (seeds/packed/index_other has other types of the same shapes).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guards.hpp"
#include "memory_file.hpp"

#include <gemma4/api/engine.hpp>
#include <gemma4/io/packed_file.hpp>

namespace
{
    // Small, with every kind of tensor. Blocks of 256 weights fit feed-forward, expert and table rows.
    struct micro
    {
        static constexpr char const* name = "micro";
        static constexpr gemma4::text_config text{.vocab = 32,
                                                  .hidden = 32,
                                                  .layers = 2,
                                                  .global_every = 2,
                                                  .heads = 2,
                                                  .kv_heads = 1,
                                                  .global_kv_heads = 1,
                                                  .head_dim = 16,
                                                  .global_head_dim = 32,
                                                  .window = 8,
                                                  .ffn = 256,
                                                  .per_layer_input = 128,
                                                  .experts = 3,
                                                  .active_experts = 2,
                                                  .expert_ffn = 16,
                                                  .max_positions = 64};
    };

    using engine = gemma4::engine<micro, gemma4::modality::text, gemma4::any_format, gemma4::any_compute>;

    std::uint64_t word(std::span<std::byte const> file, std::size_t at)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, file.data() + at, sizeof value);
        return value;
    }

    void put(std::span<std::byte> file, std::size_t at, std::uint64_t value)
    {
        std::memcpy(file.data() + at, &value, sizeof value);
    }

    // Sets the numbers of the header that only repeat what the file shows.
    void seal(std::span<std::byte> file, std::size_t index_at)
    {
        auto const index = file.subspan(index_at);
        auto const version = gemma4::packing_version;
        std::memcpy(file.data(), gemma4::packed_magic.data(), gemma4::packed_magic.size());
        std::memcpy(file.data() + 8, &version, sizeof version);
        put(file, 16, index_at);
        put(file, 24, index.size());
        put(file, 32, file.size());
        put(file, 40, gemma4::checksum(index));
        put(file, 56, gemma4::checksum(file.first(56)));
    }

    // Sets the checksums of texts whose places the index still names.
    void seal_texts(std::span<std::byte> file, std::size_t index_at)
    {
        auto const index = file.subspan(index_at);
        std::string_view const text(reinterpret_cast<char const*>(index.data()), index.size());
        auto const root = nlohmann::json::parse(text, nullptr, false);
        if (!root.is_object() || !root.contains("texts") || !root["texts"].is_object()) { return; }
        for (auto const& place : root["texts"])
        {
            if (!place.is_object()) { continue; }
            auto const number = [&](char const* key) -> std::uint64_t
            {
                auto const found = place.find(key);
                bool const is_number = found != place.end() && found->is_number_unsigned();
                return is_number ? found->get<std::uint64_t>() : ~std::uint64_t(0);
            };
            auto const sum = place.find("checksum");
            auto const offset = number("offset"), bytes = number("bytes");
            if (sum == place.end() || !sum->is_string() || offset > index_at || bytes > index_at - offset)
            {
                continue;
            }
            auto const old = sum->get<std::string>();
            auto const at = text.find("\"" + old + "\"");
            if (old.size() != 16 || at == text.npos) { continue; }
            auto const found = gemma4::checksum_text(
                gemma4::checksum(file.subspan(std::size_t(offset), std::size_t(bytes))));
            std::memcpy(index.data() + at + 1, found.data(), found.size());
        }
    }

    void run(engine const& model)
    {
        auto past = model.make_state();
        std::array<gemma4::token_id, 5> const prompt{3, 31, 0, 7, 30};
        std::span<gemma4::token_id const> const tokens(prompt);
        for (auto const& part : {tokens.first(4), tokens.last(1)})
        {
            gemma4::sequence_step<micro> const step{&past, part, gemma4::wanted_logits::all};
            std::size_t rows = 0;
            model.step({&step, 1},
                       [&](std::size_t, std::span<float const> logits)
                       {
                           require(logits.size() == micro::text.vocab);
                           ++rows;
                       });
            require(rows == part.size());
        }
    }

    void read(std::span<std::byte const> bytes)
    {
        memory_file const memory(bytes);
        std::shared_ptr<gemma4::packed_file const> file;
        attempt([&] { file = std::make_shared<gemma4::packed_file const>(memory.path()); });
        if (!file) { return; }
        for (auto const& t : file->tensors())
        {
            std::size_t sum = 0;    // every byte is there
            for (auto const byte : t.bytes) { sum += std::size_t(byte); }
            for (auto const byte : t.factors) { sum += std::size_t(byte); }
            require(sum <= 255 * (t.bytes.size() + t.factors.size()));
        }
        attempt([&] { file->verify(); });
        bool const fits = file->matches(micro::text);
        attempt(
            [&]
            {
                file->check(micro::text, micro::name);
                require(fits);
            });
        gemma4::packed_weights source(file);
        gemma4::weight_fingerprint(source);
        for (auto const& t : file->tensors())
        {
            for (std::size_t tree = 0; tree != gemma4::weight_tree_names.size(); ++tree)
            {
                if (gemma4::weight_tree_names[tree] != t.tree) { continue; }
                auto const found = source.demand(gemma4::weight_tree(tree), t.name, t.shape);
                require(found.data == t.bytes.data() && found.bytes == t.bytes.size());
            }
        }
        gemma4::opened_checkpoint opened;
        attempt([&] { opened = gemma4::open_packed(file, micro::text, micro::name); });
        if (!opened.weights) { return; }
        auto const threads = std::make_shared<gemma4::inline_executor>();
        for (auto const compute : {gemma4::compute_mode::exact, gemma4::compute_mode::fast})
        {
            attempt(
                [&] {
                    run(engine::load(opened,
                                     {.context = 16, .chunk = 4, .executor = threads, .compute = compute}));
                });
        }
    }

    constexpr std::size_t body_bytes = std::size_t(1) << 17;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const input = std::as_bytes(std::span(data, size));
    auto const magic = gemma4::packed_magic;
    if (size < magic.size() || std::memcmp(data, magic.data(), magic.size()) != 0)
    {
        // 0x3c3c is a small number in every type of numbers.
        std::vector<std::byte> file(body_bytes + size, std::byte(0x3c));
        std::ranges::copy(input, file.begin() + body_bytes);
        seal(file, body_bytes);
        read(file);
        return 0;
    }
    std::vector<std::byte> file(size);
    std::ranges::copy(input, file.begin());
    read(file);
    if (size < gemma4::packed_header_bytes) { return 0; }
    // The index is at the end, and keeps its length or its place.
    auto index_at = std::min<std::uint64_t>(word(file, 16), size);
    if (word(file, 32) != size) { index_at = size - std::min<std::uint64_t>(word(file, 24), size - 64); }
    index_at = std::max<std::uint64_t>(index_at, gemma4::packed_header_bytes);
    seal_texts(file, std::size_t(index_at));
    seal(file, std::size_t(index_at));
    read(file);
    return 0;
}
