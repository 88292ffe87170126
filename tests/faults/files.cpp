// Every call of the system about files, failing in every way; files that are cut or changed.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include "fault_cases.hpp"
#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/io/npy.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using tiny_engine = any_engine<tiny_e2b>;

    std::filesystem::path nano_folder() { return data() / ".." / ".." / "models" / "nano"; }

    engine<nano> load_nano(std::filesystem::path const& folder, file_access access)
    {
        load_options options;
        options.context = 512;
        options.chunk = 64;
        options.threads = 1;
        options.access = access;
        return load<nano>(folder, options);
    }

    std::string answer_of(engine<nano> const& model)
    {
        session chat(model);
        auto options = chat.defaults();
        options.sampling = {};
        options.stop.max_tokens = 8;
        return chat.ask("What is 27 + 35?", options).rest();
    }

    engine<nano> const& chat_model()
    {
        static auto const loaded = load_nano(nano_folder(), file_access::map);
        return loaded;
    }

    tiny_engine load_tiny(std::filesystem::path const& path, file_access access)
    {
        load_options options;
        options.context = 64;
        options.chunk = 64;
        options.threads = 1;
        options.compute = compute_mode::exact;
        options.media = modality::text;
        options.access = access;
        return tiny_engine::load(path, options);
    }

    std::string answer_of(tiny_engine const& model)
    {
        std::vector<token_id> const ids{2, 600, 700, 801};
        return sentence(checksum(std::as_bytes(std::span<float const>(all_logits(model, ids, 4)))));
    }

    std::string bytes_of(std::filesystem::path const& path)
    {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    void write(std::filesystem::path const& path, std::string_view bytes)
    {
        std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    }

    std::size_t files_in(std::filesystem::path const& folder)
    {
        return std::size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
    }

    std::filesystem::path empty_folder(std::string const& name)
    {
        auto const folder = scratch() / name;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        return folder;
    }

    std::filesystem::path tiny_gguf()
    {
        static auto const file = write_gguf(data() / "tiny" / "tiny_e2b", scratch() / "tiny.gguf");
        return file;
    }

    std::filesystem::path tiny_packed()
    {
        static auto const file = []
        {
            auto const out = scratch() / "tiny.g4";
            auto const from = open_model(tiny_checkpoint("tiny_e2b"), tiny_e2b::text, tiny_e2b::name);
            pack_model<tiny_e2b>(from, out, {.threads = 1});
            return out;
        }();
        return file;
    }

    // Of `calls` calls of a kind: the first 10, the last 4 and some between.
    std::vector<long> chosen(long calls)
    {
        std::vector<long> all;
        for (long n = 1; n <= calls; n += n < 10 || n > calls - 4 ? 1 : std::min(1 + n / 4, calls - 3 - n))
        {
            all.push_back(n);
        }
        return all;
    }

    // For every fault, at the chosen ones of its calls: prepare(), work() with it, sound(whether work
    // returned). An error names a file of `folder` and has the system's reason.
    template <class Prepare, class Work, class Sound>
    void fail_calls(std::filesystem::path const& folder, Prepare prepare, Work work, Sound sound)
    {
        std::size_t tried = 0, errors = 0;
        for (auto one : system_faults)
        {
            prepare();
            one.n = std::numeric_limits<long>::max();
            arm(one);
            work();
            for (long const n : chosen(disarm()))
            {
                if (one.sticky && n > 2) { break; }    // the others fail with it
                one.n = n;
                CAPTURE(one.call);
                CAPTURE(one.n);
                CAPTURE(one.error);
                CAPTURE(one.most);
                prepare();
                bool returned = false;
                std::string said;
                arm(one);
                try
                {
                    work();
                    returned = true;
                }
                catch (error const& e)
                {
                    said = e.what();
                }
                CHECK(disarm() >= one.n);
                sound(returned);
                if (must_be_survived(one))
                {
                    CHECK(said == "");
                    CHECK(returned);
                }
                if (!returned)
                {
                    CAPTURE(said);
                    CHECK(said.find(folder.string()) != said.npos);
                    CHECK(said.find(std::generic_category().message(one.error)) != said.npos);
                }
                errors += !returned;
                ++tried;
            }
        }
        MESSAGE(tried, " failing calls, ", errors, " errors");
        CHECK(errors != 0);
    }

    template <class Load>
    void fail_loading(std::filesystem::path const& path, Load load)
    {
        std::string const expected = load();
        std::string found;
        fail_calls(path, [&] { found.clear(); }, [&] { found = load(); },
                   [&](bool returned)
                   {
                       if (returned) { CHECK(found == expected); }
                   });
        CHECK(load() == expected);
    }
}

TEST_CASE("calls fail: loading a folder")
{
    for (auto const access : {file_access::map, file_access::read})
    {
        CAPTURE(int(access));
        fail_loading(nano_folder(), [&] { return answer_of(load_nano(nano_folder(), access)); });
    }
}

TEST_CASE("calls fail: loading a GGUF file")
{
    for (auto const access : {file_access::map, file_access::read})
    {
        CAPTURE(int(access));
        fail_loading(tiny_gguf(), [&] { return answer_of(load_tiny(tiny_gguf(), access)); });
    }
}

TEST_CASE("calls fail: loading a packed file")
{
    for (auto const access : {file_access::map, file_access::read})
    {
        CAPTURE(int(access));
        fail_loading(tiny_packed(), [&] { return answer_of(load_tiny(tiny_packed(), access)); });
    }
}

TEST_CASE("calls fail: saving a conversation, over an old file or none")
{
    session chat(chat_model());
    auto options = chat.defaults();
    options.sampling = {};
    options.stop.max_tokens = 4;
    (void)chat.ask("Hello", options).rest();
    auto const messages = chat.messages();
    auto fresh = chat;
    auto const next = fresh.ask("What is 27 + 35?", options).rest();
    auto const folder = empty_folder("saving");
    chat.save(folder / "state");
    auto const expected = bytes_of(folder / "state");
    for (bool const is_old : {true, false})
    {
        CAPTURE(is_old);
        fail_calls(
            folder,
            [&]
            {
                std::filesystem::remove(folder / "state");
                if (is_old) { write(folder / "state", "an old file"); }
            },
            [&] { chat.save(folder / "state"); },
            [&](bool returned)
            {
                auto const before = is_old ? "an old file" : "";
                CHECK((bytes_of(folder / "state") == (returned ? expected : before)));
                CHECK(files_in(folder) == (returned || is_old ? 1 : 0));
                CHECK(chat.messages() == messages);
            });
        auto other = chat;
        CHECK(other.ask("What is 27 + 35?", options).rest() == next);
    }
}

TEST_CASE("calls fail: loading a conversation")
{
    session saved(chat_model());
    auto options = saved.defaults();
    options.sampling = {};
    options.stop.max_tokens = 4;
    (void)saved.ask("Hello", options).rest();
    auto const folder = empty_folder("loading");
    saved.save(folder / "state");
    std::optional<session<engine<nano>>> chat;
    fail_calls(folder, [&] { chat.emplace(chat_model(), "Be brief."); },
               [&] { chat->load(folder / "state"); },
               [&](bool returned)
               {
                   auto const messages = chat->messages();
                   CHECK(messages.size() == (returned ? 2 : 1));
                   if (returned) { CHECK(messages == saved.messages()); }
               });
}

TEST_CASE("calls fail: packing a model, over an old file or none")
{
    auto const folder = empty_folder("packing");
    auto const model = empty_folder("packed-model");
    std::filesystem::copy(tiny_checkpoint("tiny_e2b"), model);
    auto const expected = bytes_of(tiny_packed());
    bool is_old = false;    // by turns
    fail_calls(
        scratch(),
        [&]
        {
            std::filesystem::remove(folder / "x.g4");
            is_old = !is_old;
            if (is_old) { write(folder / "x.g4", "an old file"); }
        },
        [&]
        {
            auto const from = open_model(model, tiny_e2b::text, tiny_e2b::name);
            pack_model<tiny_e2b>(from, folder / "x.g4", {.threads = 1});
        },
        [&](bool returned)
        {
            CHECK((bytes_of(folder / "x.g4") == (returned ? expected : is_old ? "an old file" : "")));
            CHECK(files_in(folder) == (returned || is_old ? 1 : 0));
        });
}

TEST_CASE("calls fail: writing and reading arrays")
{
    auto const folder = empty_folder("arrays");
    std::vector<float> const rows(3000, 1.5f);
    fail_calls(folder, [&] { write(folder / "x.npy", "an old file"); },
               [&]
               {
                   npy_writer writer(folder / "x.npy", 10);
                   writer.append(std::span(rows).first(1000));
                   writer.append(std::span(rows).subspan(1000));
                   writer.finish();
               },
               [&](bool returned)
               {
                   if (returned) { CHECK((read_npy(folder / "x.npy").floats() == rows)); }
                   else { CHECK(bytes_of(folder / "x.npy") == "an old file"); }
                   CHECK(files_in(folder) == 1);
               });
    npy_writer writer(folder / "x.npy", 10);
    writer.append(rows);
    writer.finish();
    std::size_t read = 0;
    fail_calls(folder, [&] { read = 0; },
               [&]
               {
                   read = read_npy(folder / "x.npy").floats().size();
                   read += npy_rows(folder / "x.npy").rows();
               },
               [&](bool returned)
               {
                   if (returned) { CHECK(read == 3300); }
               });
}

TEST_CASE("a file that becomes shorter while it is read is an error")
{
    auto const folder = empty_folder("shorter");
    write(folder / "file", std::string(100, 'x'));
    arm({"read", 1, 0, 0});
    CHECK_THROWS_WITH_AS(file_bytes(folder / "file"),
                         doctest::Contains("has become shorter while it was read: 100 bytes were expected, "
                                           "found 0"),
                         file_error);
    disarm();
}

TEST_CASE("a model that was read into memory goes on when its files are cut")
{
    auto const folder = empty_folder("cut");
    std::filesystem::copy(nano_folder(), folder);
    auto const expected = answer_of(chat_model());
    auto const model = load_nano(folder, file_access::read);
    CHECK(model.plan().weights.mapped == 0);
    CHECK(model.plan().weights.read == std::filesystem::file_size(folder / "model.safetensors"));
    CHECK(model.plan().now() >= model.plan().weights.read);
    for (auto const& entry : std::filesystem::directory_iterator(folder))
    {
        std::filesystem::resize_file(entry.path(), 10);
    }
    CHECK(answer_of(model) == expected);
    CHECK(model.stamp() == chat_model().stamp());

    auto const cut = [&](std::filesystem::path const& file)
    {
        std::filesystem::copy_file(file, folder / "copy");
        auto const before = answer_of(load_tiny(file, file_access::map));
        auto const read = load_tiny(folder / "copy", file_access::read);
        CHECK(read.plan().weights.mapped == 0);
        CHECK(read.plan().weights.read == std::filesystem::file_size(file));
        auto const stamp = load_tiny(file, file_access::map).stamp();
        std::filesystem::resize_file(folder / "copy", 10);
        CHECK(answer_of(read) == before);
        CHECK(read.stamp() == stamp);
        std::filesystem::remove(folder / "copy");
    };
    cut(tiny_gguf());
    cut(tiny_packed());
}

TEST_CASE("tables of a file whose tensors are not aligned are not dropped as its pages are")
{
    // one more byte of header: every tensor begins at an odd address and is copied
    auto const folder = empty_folder("unaligned");
    std::filesystem::copy(nano_folder(), folder);
    auto bytes = bytes_of(folder / "model.safetensors");
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), 8);
    bytes.insert(8 + header, 1, ' ');
    ++header;
    std::memcpy(bytes.data(), &header, 8);
    write(folder / "model.safetensors", bytes);
    for (auto const access : {file_access::map, file_access::read})
    {
        auto const model = load_nano(folder, access);
        for (int i = 0; i != 4; ++i)    // rows of the table, more than after which its pages are given back
        {
            auto past = model.make_state();
            std::vector<token_id> const ids(64, 600);
            for (int chunk = 0; chunk != 7; ++chunk)
            {
                sequence_step<nano> const step{&past, ids, wanted_logits::last};
                model.step(std::span(&step, 1), [](std::size_t, std::span<float>) {});
            }
        }
        CHECK(answer_of(model) == answer_of(chat_model()));
        CHECK(model.stamp() == chat_model().stamp());
    }
}

TEST_CASE("a state file that is cut anywhere, or of which any bit is another, is refused")
{
    load_options options;
    options.context = 256;
    options.chunk = 64;
    options.threads = 1;
    options.kv = kv_type::int8;
    auto const model = load<nano>(nano_folder(), options);
    session chat(model);
    auto run = chat.complete({2, 600, 700}, {.stop = {.max_tokens = 2}});
    (void)run.rest();
    auto const file = scratch() / "damaged.state";
    chat.save(file);
    auto bytes = bytes_of(file);
    auto const stamp = model.stamp();
    auto const state_options = chat.past().options();
    auto const is_refused = [&](std::string_view damaged)
    {
        try
        {
            (void)read_state<nano>(std::as_bytes(std::span(damaged)), "x.state", stamp, state_options,
                                   std::pmr::get_default_resource());
            return false;
        }
        catch (error const&)
        {
            return true;
        }
    };
    REQUIRE_FALSE(is_refused(bytes));
    std::size_t passed = 0;
    for (std::size_t size = 0; size != bytes.size(); ++size)
    {
        passed += !is_refused(std::string_view(bytes).substr(0, size));
    }
    CHECK(passed == 0);
    for (std::size_t bit = 0; bit != 8 * bytes.size(); ++bit)
    {
        auto& byte = bytes[bit / 8];
        byte = char(byte ^ char(1 << bit % 8));
        passed += !is_refused(bytes);
        byte = char(byte ^ char(1 << bit % 8));
    }
    CHECK(passed == 0);
    MESSAGE(bytes.size(), " bytes");
}

TEST_CASE("a packed file that is cut, or of which a bit is another, is refused, or is what it was")
{
    auto const good = bytes_of(tiny_packed());
    packed_file const original(tiny_packed());
    auto const file = scratch() / "damaged.g4";
    enum class verdict
    {
        refused,
        same,
        other
    };
    auto const judge = [&](file_access access)
    {
        try
        {
            packed_file const opened(file, access);
            auto const& a = opened.tensors();
            auto const& b = original.tensors();
            bool const same = std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                         [](auto const& x, auto const& y)
                                         {
                                             return x.name == y.name && x.shape == y.shape
                                                    && std::ranges::equal(x.bytes, y.bytes)
                                                    && std::ranges::equal(x.factors, y.factors);
                                         });
            return same ? verdict::same : verdict::other;
        }
        catch (error const&)
        {
            return verdict::refused;
        }
    };
    auto const step = good.size() / 150;
    write(file, good);
    REQUIRE(judge(file_access::read) == verdict::same);
    std::size_t in_tensors = 0;
    auto const flip = [&](std::size_t at)
    {
        auto const put = [&](char byte)
        {
            std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
            out.seekp(std::streamoff(at));
            out.put(byte);
        };
        put(char(good[at] ^ char(1 << at % 8)));
        // read: all of it is compared with its checksums; mapped: all but the tensors
        CHECK(judge(file_access::read) != verdict::other);
        in_tensors += judge(file_access::map) == verdict::other;
        put(good[at]);
    };
    for (std::size_t at = 0; at != 64; ++at) { flip(at); }
    for (std::size_t at = 64; at < good.size(); at += step) { flip(at); }
    for (std::size_t at = good.size() - 50; at != good.size(); ++at) { flip(at); }
    REQUIRE(judge(file_access::read) == verdict::same);
    for (auto size = good.size() - 1; size > step; size -= step)
    {
        std::filesystem::resize_file(file, size);
        CHECK(judge(file_access::map) == verdict::refused);
    }
    std::filesystem::resize_file(file, 0);
    CHECK(judge(file_access::map) == verdict::refused);
    CHECK(in_tensors > 0);
}
