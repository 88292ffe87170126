// Any bytes as a GGUF file: an error, or metadata that can be read with every getter and tensors that lie
// within the file, without overlap, and can be dequantised. Then as the configuration and the tokenizer of a
// model.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "guards.hpp"

#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/gguf.hpp>
#include <gemma4/io/gguf_config.hpp>
#include <gemma4/io/gguf_tensors.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>

namespace
{
    void read_metadata(gemma4::gguf_metadata const& m)
    {
        for (auto const& [key, value] : m.values())
        {
            attempt([&, &key = key] { m.size(key); });
            attempt([&, &key = key] { m.number(key); });
            attempt([&, &key = key] { m.boolean(key); });
            attempt([&, &key = key] { require(m.text(key).size() < (std::size_t(1) << 32)); });
            attempt([&, &key = key] { m.sizes(key); });
            attempt([&, &key = key] { m.numbers(key); });
            attempt([&, &key = key] { m.flags(key); });
            attempt([&, &key = key] { m.strings(key); });
        }
        attempt([&] { gemma4::gguf_fields(m).sizes_by_layer("block_count", 3); });
        attempt([&] { gemma4::tokenizer_kind_of(m); });
        attempt([&] { gemma4::special_token_id(m, "bos"); });
        attempt(
            [&]
            {
                gemma4::tokenizer const tokens(gemma4::read_vocabulary(m));
                tokens.decode(tokens.encode("Hello <bos> \xff"));
            });
        attempt(
            [&]
            {
                auto const tokens = gemma4::read_sentencepiece_tokenizer(m);
                tokens.decode(tokens.encode("Hello <bos> \xff"));
            });
    }

    void read_tensors(gemma4::gguf_contents const& contents, std::span<std::byte const> file)
    {
        std::vector<float> row;
        for (auto const& t : contents.tensors)
        {
            require(t.data >= file.data() && t.data + t.bytes <= file.data() + file.size());
            require((t.data - file.data()) % std::ptrdiff_t(contents.alignment) == 0);
            gemma4::checkpoint_name(t.name);
            auto const columns = t.columns();
            require(t.bytes_per_row() * (t.elements() / columns) == t.bytes);
            if (columns > 1u << 20) { continue; }
            row.resize(columns);
            gemma4::dequantise(t.type, t.data + t.bytes - t.bytes_per_row(), columns, row.data());
        }
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::vector<std::uint64_t> aligned(size / 8 + 1);    // as a mapping would be
    if (size != 0) { std::memcpy(aligned.data(), data, size); }
    auto const file = std::as_bytes(std::span(aligned)).first(size);
    attempt(
        [&]
        {
            auto const contents = gemma4::parse_gguf(file, "fuzz.gguf");
            read_tensors(contents, file);
            read_metadata(contents.metadata);
        });
    return 0;
}
