//! The help and the README name what is there: all of it, and nothing else. Compared in a real Neovim, with the tables that
//! make it work.

use std::fs;

use crate::support::{Editor, Options, repository};

/// In each chunk: `help` and `readme` as lists of lines, `tags` of the help as a set, and `differ`, which names what only
/// one of two lists has.
const PRELUDE: &str = r"
    local root = ...
    local help, readme = vim.fn.readfile(root .. '/doc/agor.txt'), vim.fn.readfile(root .. '/README.md')
    local tags = {}
    for _, line in ipairs(help) do
      for tag in line:gmatch('%*([^%s*|]+)%*') do tags[tag] = true end
    end
    local function matching(set, pattern)
      local out = {}
      for key in pairs(set) do
        local name = key:match(pattern)
        if name then out[name] = true end
      end
      return out
    end
    local function differ(what, there, documented)
      local out = {}
      for name in pairs(there) do
        if not documented[name] then table.insert(out, what .. ' without help: ' .. name) end
      end
      for name in pairs(documented) do
        if not there[name] then table.insert(out, 'help without ' .. what .. ': ' .. name) end
      end
      table.sort(out)
      return table.concat(out, '\n')
    end
    -- The Lua block that holds `mark`.
    local function block(lines, mark)
      local text = '\n' .. table.concat(lines, '\n') .. '\n'
      local from = assert(text:find(mark, 1, true), mark)
      local upto = assert(text:find('\n[ ]*}%)\n', from), 'its end')
      return assert(loadstring('return {' .. text:sub(from + #mark, upto) .. '}'))()
    end
";

fn editor() -> Editor {
    let init = "vim.o.swapfile = false\nrequire('agor').setup({ provider = 'demo' })";
    let env = vec![("AGOR_DEMO_SPEED".into(), "0".into())];
    let options = Options { size: (120, 40), init: init.into(), env, ..Options::default() };
    options.home.write("b.txt", "b\n");
    Editor::start(options)
}

/// The chunk returns what is wrong, in lines.
#[track_caller]
fn nothing_wrong(editor: &Editor, chunk: &str) {
    let root = repository().to_string_lossy().into_owned();
    let wrong = editor.lua_string(&format!("{PRELUDE}{chunk}"), &[root.as_str().into()]);
    assert_eq!(wrong, "");
}

#[test]
fn every_command_has_its_help() {
    nothing_wrong(
        &editor(),
        r"local commands, aliases = {}, {}
          for name in pairs(vim.api.nvim_get_commands({})) do
            if name:match('^Agor') then commands[name] = true end
          end
          for _, name in ipairs(vim.fn.getcompletion('Agor ', 'cmdline')) do aliases[name] = true end
          assert(commands.AgorStart and aliases.start)
          return differ('a command', commands, matching(tags, '^:(Agor%u?%l*)$'))
            .. differ('a subcommand', aliases, matching(tags, '^:Agor%-(.+)$'))",
    );
}

#[test]
fn every_function_has_its_help() {
    nothing_wrong(
        &editor(),
        r"local functions = {}
          for name, value in pairs(require('agor')) do
            if type(value) == 'function' then functions[name] = true end
          end
          return differ('a function', functions, matching(tags, '^agor%.([%w_]+)%(%)$'))",
    );
}

#[test]
fn every_event_has_its_help() {
    nothing_wrong(
        &editor(),
        r"local events = {}
          for name in table.concat(vim.fn.readfile(root .. '/lua/agor/events.lua'), '\n'):gmatch([['(Agor%u%w+)']]) do
            events[name] = true
          end
          return differ('an event', events, matching(tags, '^(Agor%u%w+)$'))",
    );
}

#[test]
fn the_configuration_in_the_help_is_the_one_there_is() {
    nothing_wrong(
        &editor(),
        r"local shown = block(help, [[require('agor').setup({]])
          local presets = require('agor.presets').new()
          local wrong = {}
          local function compare(a, b, path)
            for key, value in pairs(a) do
              local here = path .. '.' .. key
              if key == 'providers' then
              elseif type(value) == 'table' and not vim.islist(value) and type(b[key]) == 'table' then
                compare(value, b[key], here)
              elseif not vim.deep_equal(value, b[key]) then
                table.insert(wrong, here)
              end
            end
          end
          compare(presets, shown, 'presets')
          compare(shown, presets, 'help')
          vim.list_extend(wrong, select(2, require('agor.config').build(shown)))
          -- Keys without a value leave no trace in a table.
          local text = table.concat(help, '\n')
          for _, key in ipairs({ 'provider', 'binary' }) do
            if not text:find('\n%s+' .. key .. ' = nil,') then table.insert(wrong, key) end
          end
          for _, key in ipairs({ 'protocol', 'command', 'env', 'pass_env', 'model', 'mode', 'permission_mode', 'wrap',
              'system_prompt', 'additional_directories', 'max_turns', 'effort', 'mcp_servers', 'title', 'needs', 'version',
              'login', 'install', 'program', 'also' }) do
            local _, bad = require('agor.config').build({ providers = { claude = { [key] = {} } } })
            if table.concat(bad):find('is no key') then table.insert(wrong, 'no such key: ' .. key) end
            if not text:match('A provider has(.-)\n\n'):find('%f[%w_]' .. key .. '%f[^%w_]') then
              table.insert(wrong, 'provider without help: ' .. key)
            end
          end
          return table.concat(wrong, '\n')",
    );
}

#[test]
fn every_key_of_our_buffers_has_its_help() {
    let editor = editor();
    editor.lua(
        r"_G.defaults = {}
          function _G.collect(buf)
            for _, mode in ipairs({ 'n', 'i' }) do
              for _, map in ipairs(vim.api.nvim_buf_get_keymap(buf, mode)) do
                local name = (map.lhs:match('^<Plug>(%(agor%-.*%))$'))
                if name then _G.defaults[name] = _G.defaults[name] or {} end
                name = map.rhs and map.rhs:match('^<Plug>(%(agor%-.*%))$')
                if name then
                  _G.defaults[name] = _G.defaults[name] or {}
                  table.insert(_G.defaults[name], (map.lhs:gsub('^ $', '<Space>')))
                end
              end
            end
          end
          for _, mode in ipairs({ 'n', 'x' }) do
            for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
              local name = map.lhs:match('^<Plug>(%(agor%-.*%))$')
              if name then _G.defaults[name] = _G.defaults[name] or {} end
            end
          end
          _G.session = assert(require('agor').start({ prompt = 'edit b.txt' }))",
        &[],
    );
    editor.wait_text("demo asks");
    editor.lua("assert(require('agor').send('waits'))", &[]);
    editor.wait_lua("require('agor').sessions()[1].queued == 1");
    editor.lua("vim.cmd('Agor queue') collect(0) vim.cmd.close()", &[]);
    editor.lua(
        "collect(vim.fn.bufnr('^agor://' .. _G.session .. '$'))
         local floats = 0
         for _, win in ipairs(vim.api.nvim_list_wins()) do
           local buf = vim.api.nvim_win_get_buf(win)
           if vim.bo[buf].filetype == 'agor-prompt' then collect(buf) end
           if vim.api.nvim_win_get_config(win).relative ~= '' then collect(buf) floats = floats + 1 end
         end
         assert(floats > 0, 'the question')
         vim.cmd('Agor sessions')
         collect(0)
         vim.cmd.close()
         require('agor.ui.diff').open({ path = vim.fn.getcwd() .. '/b.txt', paths = {}, go = print })
         collect(0)
         vim.cmd.tabclose()
         vim.cmd('Agor resume')
         collect(0)
         vim.cmd.stopinsert()
         vim.cmd.close()
         require('agor.ui.detail').open('all of it', { 'a line' }, {})
         collect(0)
         vim.cmd.close()
         vim.cmd('Agor ps')",
        &[],
    );
    editor.wait_lua("vim.bo.filetype == 'agor-ps'");
    editor.lua(
        "collect(0)
         local request = assert(next(require('agor.state').requests[_G.session]))
         assert(require('agor').answer(_G.session, request, nil, { grant = { rule = 1, scope = 'session' } }))
         vim.cmd('Agor grants')",
        &[],
    );
    editor.wait_lua("vim.bo.filetype == 'agor-grants'");
    nothing_wrong(
        &editor,
        r"collect(0)
          local there, documented, wrong = {}, {}, {}
          for _, line in ipairs(help) do
            for name in line:gmatch('<Plug>(%(agor%-[%w-]+%))') do documented[name] = true end
          end
          for name, keys in pairs(_G.defaults) do
            -- Nine digits and four ways to scroll are one line each.
            if not name:match('answer%-[2-9]') and not name:match('scroll%-[ufb]') then
              there[name] = true
              for _, key in ipairs(keys) do
                local found = false
                for i, line in ipairs(help) do
                  local near = line .. ' ' .. (help[i + 1] or '') .. ' '
                  -- Neovim writes <C-D> for <C-d>.
                  near = near:lower()
                  found = found or line:find('<Plug>' .. name, 1, true) and near:find(key:lower() .. ' ', 1, true)
                end
                if not found then table.insert(wrong, ('%s is not beside %s'):format(key, name)) end
              end
            end
          end
          assert(there['(agor-answer-refuse)'] and there['(agor-submit)'] and there['(agor-board-open)'])
          assert(there['(agor-enter)'] and there['(agor-close)'] and there['(agor-send-operator)'])
          return differ('a map', there, documented) .. table.concat(wrong, '\n')",
    );
    editor.command("Agor! stop");
}

#[test]
fn the_readme_is_true() {
    nothing_wrong(
        &editor(),
        r"local wrong = {}
          local shown = block(readme, [[require('agor').setup({]])
          local _, problems = require('agor.config').build(shown)
          vim.list_extend(wrong, problems)
          local presets = require('agor.presets').new()
          shown.providers.claude.command, shown.providers.claude.protocol = nil, nil
          for key, value in pairs(shown) do
            -- A table may show some of its fields only.
            local whole = type(value) == 'table' and vim.tbl_deep_extend('force', presets[key], value) or value
            if key ~= 'providers' and not vim.deep_equal(whole, presets[key]) then table.insert(wrong, 'not the default: ' .. key) end
          end
          local commands = vim.api.nvim_get_commands({})
          local subcommands = vim.fn.getcompletion('Agor ', 'cmdline')
          for _, line in ipairs(readme) do
            for name in line:gmatch(':(Agor%a+)') do
              if not commands[name] then table.insert(wrong, name) end
            end
            for name in line:gmatch(':Agor (%l+)') do
              if not vim.list_contains(subcommands, name) then table.insert(wrong, ':Agor ' .. name) end
            end
            for name in line:gmatch('<Plug>%(agor%-[%w-]+%)') do
              if vim.fn.maparg(name, 'n') == '' then table.insert(wrong, name) end
            end
            for tag in line:gmatch(':help ([%w%-]+)') do
              if not tags[tag] then table.insert(wrong, ':help ' .. tag) end
            end
          end
          return table.concat(wrong, '\n')",
    );
    let readme = fs::read_to_string(repository().join("README.md")).expect("it is there");
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(link.starts_with("http") || repository().join(link).exists(), "{link} does not exist");
    }
}
