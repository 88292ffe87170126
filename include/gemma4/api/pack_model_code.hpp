// What api/pack_model.hpp declares (core/separate.hpp).
#pragma once

#include <string>
#include <vector>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/api/pack_model.hpp>
#include <gemma4/io/gguf_file.hpp>

namespace gemma4::inline v0::detail
{
    GEMMA4_CODE void add_texts(packed_writer& file, opened_checkpoint const& from)
    {
        if (from.gguf)
        {
            auto const head = from.gguf->metadata_bytes();
            file.add_text("metadata.gguf", {reinterpret_cast<char const*>(head.data()), head.size()});
            return;
        }
        auto const texts = texts_of(from.folder);
        std::vector<std::string> names{
            "config.json",           "generation_config.json", "tokenizer.json",    "tokenizer_config.json",
            "processor_config.json", "chat_template.jinja",    "chat_template.json"};
        names.insert(names.end(), texts.names.begin(), texts.names.end());
        for (auto const& name : names)
        {
            if (auto const text = texts.read(name)) { file.add_text(name, *text); }
        }
    }
}
