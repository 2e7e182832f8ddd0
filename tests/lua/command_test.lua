-- :Agor, its aliases, the maps and the operator, typed into a real Neovim.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
---@param lines string[]
local function text(child, lines)
  child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, false, ...)]], lines)
end

---@param child agor.test.Nvim
local function session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_told('start')
end

T['every subcommand has a command, a handler and a help tag'] = test(nil, function(child)
  local names = child:get([[require('agor.command').names()]])
  local help = table.concat(vim.fn.readfile(nvim.root .. '/doc/agor.txt'), '\n')
  local commands = child:get([[vim.tbl_keys(vim.api.nvim_get_commands({}))]])
  local aliases = vim.tbl_filter(function(name)
    return name:match('^Agor%u') ~= nil
  end, commands)
  equal(#aliases, #names)
  for _, name in ipairs(names) do
    assert(vim.list_contains(commands, 'Agor' .. name:sub(1, 1):upper() .. name:sub(2)), name)
    contains(help, '*:Agor-' .. name .. '*')
  end
end)

T['the prompt of a typed line arrives byte for byte'] = test(nil, function(child)
  session(child)
  local odd = [[a | b "c" % # \ \| $HOME ~  x=1  end ]]
  child:lua([[vim.api.nvim_input(':AgorSend ' .. (...):gsub('<', '<lt>') .. '<CR>')]], odd)
  equal(child:wait_told('send').prompt.text, odd)
  child:lua([[vim.api.nvim_input(':Agor send -- ' .. ... .. '<CR>')]], odd)
  equal(child:wait_told('send', 2).prompt.text, odd)
end)

T['start takes keys, and says what is wrong with them'] = test(nil, function(child)
  child:write('sub dir/x', '')
  child:cmd([[AgorStart demo model=big max_turns=3 cwd=sub\ dir Explain | this]])
  local params = child:wait_told('start')
  equal(params.cwd, child.home .. '/work/sub dir')
  equal({ params.model, params.max_turns, params.prompt.text }, { 'big', 3, 'Explain | this' })
  for line, sentence in pairs({
    ['AgorStart modelx=x'] = 'unknown key "modelx" (did you mean "model"?)',
    ['AgorStart demo cwd=/no/such hi'] = 'cwd: the directory /no/such does not exist',
    ['AgorStart demo max_turns=x'] = 'max_turns= takes a number',
    ['AgorStart demo resume_mode=later'] = 'resume_mode must be new, continue or resume',
    ['AgorStart demo resume=x resume_mode=new'] = 'does not go with resume_mode',
    ['AgorStart provider=nope'] = 'unknown provider "nope"',
    ['AgorStart dmeo hi'] = 'unknown provider "dmeo" (did you mean "demo"?)',
    ['Agor sendd'] = 'unknown subcommand "sendd" (did you mean "send"?)',
    ['Agor toggle now'] = ':Agor toggle takes no argument',
    ['Agor! send'] = ':Agor send takes no !',
    ['1,2AgorToggle'] = ':Agor toggle takes no range',
    ['AgorPermit x'] = 'permit takes the number of an option',
  }) do
    child:lua('notes = {}')
    text(child, { 'a', 'b' })
    child:cmd(line)
    contains(child:notes(), sentence)
  end
  equal(#child:told('start'), 1)
end)

T['no agent installed: what to install, and the demo'] = test({
  env = { PATH = '/nonexistent' },
  before = [[require('agor.presets').new = (function(new) return function()
    local conf = new() conf.providers.claude.also = {} return conf end end)(require('agor.presets').new)]],
}, function(child)
  child:cmd('AgorStart')
  contains(child:notes(), 'npm install -g @anthropic-ai/claude-code')
  contains(child:notes(), ':AgorStart demo works at once')
end)

T['a typed visual range is the exact selection, another one whole lines'] = test(
  nil,
  function(child)
    session(child)
    text(child, { 'one two', 'drei vier', 'five' })
    child:type('gg0wvj0e:AgorSend look<CR>')
    local prompt = child:wait_told('send').prompt
    equal(prompt.text, 'look')
    equal(prompt.context[1].text, 'two\ndrei')
    equal({ prompt.context[1].first_line, prompt.context[1].last_line }, { 1, 2 })
    child:type(':1,2AgorSend look<CR>')
    equal(child:wait_told('send', 2).prompt.context[1].text, 'one two\ndrei vier')
    child:type(":'<lt>,'>Agor send<CR>")
    prompt = child:wait_told('send', 3).prompt
    equal({ prompt.text, #prompt.context }, { 'two\ndrei', 0 })
    child:cmd("'<,'>AgorSend")
    equal(child:wait_told('send', 4).prompt.text, 'two\ndrei')
  end
)

T['blocks, also ragged ones, from a command and a map'] = test(nil, function(child)
  session(child)
  text(child, { 'abcdef', 'äb', 'xyzüvw' })
  child:type('gg0l<C-v>jj$:AgorSend<CR>')
  equal(child:wait_told('send').prompt.text, 'bcdef\nb\nyzüvw')
  child:lua([[vim.keymap.set({ 'n', 'x' }, 'gs', '<Plug>(agor-send)')]])
  child:type('gg0l<C-v>jjlgs')
  equal(child:wait_told('send', 2).prompt.text, 'bc\nb\nyz')
  equal(child:get('vim.fn.mode()'), 'n')
end)

T['the send map takes the line, or as many as counted'] = test(nil, function(child)
  session(child)
  text(child, { 'one', 'two', 'three', 'four' })
  child:lua([[vim.keymap.set({ 'n', 'x' }, 'gs', '<Plug>(agor-send)')]])
  child:type('ggjgs')
  equal(child:wait_told('send').prompt.text, 'two')
  child:type('2gs')
  equal(child:wait_told('send', 2).prompt.text, 'two\nthree')
end)

T['the operator takes a motion, the dot repeats it with the same words'] = test(nil, function(child)
  session(child)
  text(child, { 'alpha beta', 'gamma delta', '', 'end' })
  child:lua([[
    vim.ui.input = function(_, go) asked = (asked or 0) + 1 go('Explain') end
    vim.keymap.set('n', 'gS', '<Plug>(agor-send-operator)')
  ]])
  child:type('ggwgSiw')
  local prompt = child:wait_told('send').prompt
  equal({ prompt.text, prompt.context[1].text }, { 'Explain', 'beta' })
  child:type('j0.')
  prompt = child:wait_told('send', 2).prompt
  equal({ prompt.text, prompt.context[1].text }, { 'Explain', 'gamma' })
  child:type('ggVjgv<Esc>gggSj')
  equal(child:wait_told('send', 3).prompt.context[1].text, 'alpha beta\ngamma delta')
  equal(child:get('asked'), 2)
end)

T['a range goes into the draft, again and again'] = test(nil, function(child)
  session(child)
  text(child, { 'one', 'two' })
  child:lua('calls = {}')
  child:type(':1AgorPrompt look | at<CR>')
  child:wait_for('#calls >= 3')
  child:cmd('2AgorPrompt')
  local calls = child:get('calls')
  equal(calls[1], { 'pane.open', 'a', { focus = 'prompt' } })
  equal({ calls[2][1], calls[2][2], calls[2][3].text }, { 'prompt.attach', 'a', 'one' })
  equal(calls[3], { 'prompt.insert', 'a', 'look | at' })
  equal({ calls[5][1], calls[5][3].text }, { 'prompt.attach', 'two' })
  equal(#child:told('send'), 0)
end)

T['send without a session starts one, without anything it opens the prompt'] = test(
  { before = [[vim.g.agor = { provider = 'demo' }]] },
  function(child)
    child:cmd('AgorSend hello')
    equal(child:wait_told('start').prompt.text, 'hello')
    child:lua('calls = {}')
    child:cmd('AgorSend')
    equal(child:get('calls[1][1]'), 'pane.open')
    equal(child:get('calls[1][3]'), { focus = 'prompt' })
  end
)

T['a start with a range attaches the lines'] = test(nil, function(child)
  text(child, { 'one', 'two' })
  child:cmd('2AgorStart demo Explain')
  local prompt = child:wait_told('start').prompt
  equal({ prompt.text, prompt.context[1].text }, { 'Explain', 'two' })
end)

T['bare :Agor toggles, next and prev go round'] = test(nil, function(child)
  child:cmd('Agor')
  equal(child:get('calls[1][1]'), 'pane.toggle')
  session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'b', open = false })]])
  child:wait_for([[require('agor').sessions()[2].started_at == 1001]])
  child:lua([[calls = {}]])
  child:cmd('AgorNext')
  child:cmd('AgorNext')
  child:cmd('AgorPrev')
  local shown = vim.tbl_map(
    function(call)
      return call[2]
    end,
    vim.tbl_filter(function(call)
      return call[1] == 'pane.show'
    end, child:get('calls'))
  )
  equal(shown, { 'a', 'b', 'a' })
end)

T['interrupt, stop and stop!'] = test(nil, function(child)
  child:cmd('AgorStop')
  contains(child:notes(), 'there is no session')
  session(child)
  child:cmd('AgorInterrupt')
  equal(child:wait_told('interrupt').session_id, 'a')
  child:cmd('Agor stop!')
  equal(child:wait_told('stop').force, true)
  child:wait_for([[require('agor').sessions()[1].status == 'done']])
  equal(child:get([[require('agor').stop('a')]]), true)
  equal(child:get([[select(2, require('agor').stop('zz'))]]), 'no session zz')
  -- What is done may have a runner that waits for the next prompt.
  equal(child:wait_told('stop', 2).session_id, 'a')
end)

T['completion knows subcommands, providers, keys, values and where the prompt begins'] = test(
  nil,
  function(child)
    session(child)
    child:write('sub dir/x', '')
    local function complete(line)
      return child:get([[vim.fn.getcompletion(..., 'cmdline')]], line)
    end
    equal(complete('Agor sta'), { 'start', 'stats' })
    equal(complete('AgorStart cl'), { 'claude', 'claude-agent-acp', 'claude_config_dir=' })
    equal(complete('Agor start demo mod'), { 'model=', 'mode=' })
    equal(complete('Agor start resume_mode=c'), { 'resume_mode=continue' })
    equal(complete('Agor start demo explain cl'), {})
    equal(complete('AgorStart cwd=su'), { [[cwd=sub\ dir/]] })
    equal(complete('AgorSend @'), { '@a' })
    equal(complete('AgorTrace o'), { 'on', 'off' })
    equal(complete('AgorModel b'), { 'big' })
    equal(complete('1,2Agor sen'), { 'send' })
  end
)

T['ps, stats, export, model, trace and login'] = test(nil, function(child)
  session(child)
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
  child:cmd('AgorPs')
  child:wait_for([[vim.bo.filetype == 'agor-ps']])
  contains(child:get('vim.fn.getline(2)'), '42  1m01s  1.0 MiB  sleep 1')
  child:cmd('close')
  child:cmd('AgorStats')
  contains(child:get([[table.concat(vim.fn.getline(1, '$'), ' ')]]), 'patches')
  child:cmd('close')
  child:cmd('AgorExport out.md')
  child:wait_note('the transcript is in')
  equal(vim.fn.readfile(child.home .. '/work/out.md')[1], '# Transcript')
  child:cmd('AgorExport out.md')
  contains(child:notes(), 'out.md exists')
  child:cmd('AgorModel small')
  equal(child:wait_told('set_model').value, 'small')
  child:cmd('AgorModel bigg')
  contains(child:notes(), 'offers no model "bigg" (did you mean "big"?)')
  child:cmd('AgorMode plan')
  contains(child:notes(), 'demo does not let the mode be changed')
  child:cmd('AgorTrace on')
  equal(child:wait_told('trace').on, true)
  child:cmd('AgorLogin demo')
  contains(child:notes(), 'demo has no login of its own')
end)

T['login runs the agent in a terminal, without what is withheld from it'] = test(
  { env = { ANTHROPIC_API_KEY = 'secret', CLAUDE_CONFIG_DIR = '/cfg' } },
  function(child)
    local program = child:write(
      child.home .. '/bin/claude',
      '#!/bin/sh\necho "<$1|$ANTHROPIC_API_KEY|$CLAUDE_CONFIG_DIR>"\n'
    )
    vim.uv.fs_chmod(program, 493)
    child:cmd('AgorLogin claude')
    child:wait_for([[table.concat(vim.fn.getline(1, '$')):find('</login||/cfg>', 1, true)]])
    equal(child:get('vim.bo.buftype'), 'terminal')
  end
)

T['build says which Rust is needed and which there is'] = test(nil, function(child)
  local program =
    child:write(child.home .. '/bin/cargo', '#!/bin/sh\necho "cargo 1.70.0 (abc 2023)"\n')
  vim.uv.fs_chmod(program, 493)
  child:cmd('AgorBuild')
  child:wait_note('cargo is 1.70.0')
  local needed = table
    .concat(vim.fn.readfile(nvim.root .. '/Cargo.toml'), '\n')
    :match('rust%-version = "([^"]+)"')
  contains(child:notes(), ('needs Rust %s or newer'):format(needed))
end)

T['build shows progress and puts the program into its place'] = test({
  before = [[
    -- A checkout of its own, so that the real one is left alone.
    local source = vim.fn.readfile(vim.o.runtimepath:match('^[^,]*') .. '/lua/agor/build.lua')
    local root = vim.env.HOME .. '/plugin'
    vim.fn.mkdir(root .. '/lua/agor', 'p')
    vim.fn.writefile(source, root .. '/lua/agor/build.lua')
    vim.fn.writefile({ '[package]', 'rust-version = "1.60"' }, root .. '/Cargo.toml')
    package.preload['agor.build'] = function() return dofile(root .. '/lua/agor/build.lua') end
    local echo = vim.api.nvim_echo
    shown = {}
    vim.api.nvim_echo = function(chunks, ...) table.insert(shown, chunks[1][1]) return echo(chunks, ...) end
  ]],
}, function(child)
  local program = child:write(
    child.home .. '/bin/cargo',
    [[#!/bin/sh
if [ "$1" = --version ]; then echo "cargo 1.99.0"; exit; fi
printf '   Compiling serde v1.0\n    Building [=>  ] 3/9: serde\r' >&2
[ -e "$HOME/break" ] && { echo "error: no such crate" >&2; exit 101; }
mkdir -p target/release && echo "$@" > target/release/agor-nvim
]]
  )
  vim.uv.fs_chmod(program, 493)
  child:cmd('AgorBuild')
  child:wait_note('the backend is built; :AgorStart starts a session')
  contains(
    vim.fn.readfile(child.home .. '/plugin/bin/agor-nvim')[1],
    'build --release --locked --target-dir'
  )
  equal(vim.fn.executable(child.home .. '/plugin/bin/agor-nvim'), 1)
  contains(table.concat(child:get('shown'), '\n'), 'building the backend: 3/9')
  child:write(child.home .. '/break', '')
  child:cmd('AgorBuild')
  child:wait_note('the backend could not be built: error: no such crate')
end)

T['the home directory is asked about, and refused where nobody can answer'] = test(
  nil,
  function(child)
    child:lua([[vim.cmd.cd(vim.env.HOME)]])
    child:cmd('AgorStart demo')
    contains(child:notes(), 'is no project: name a directory with cwd=')
    equal(#child:told('start'), 0)
  end
)

T['asked about the home directory, a yes starts there'] = test({ ui = true }, function(child)
  child:lua(
    [[vim.cmd.cd(vim.env.HOME) vim.ui.select = function(items, opts, go) question = opts.prompt go(items[1]) end]]
  )
  child:cmd('AgorStart demo')
  equal(child:wait_told('start').cwd, child.home)
  contains(child:get('question'), child.home)
  child:lua('question = nil')
  child:cmd('AgorStart demo')
  equal(child:get('question'), vim.NIL)
end)

T['a misspelt provider is asked about'] = test(
  { ui = true, before = [[vim.g.agor = { provider = 'demo' }]] },
  function(child)
    child:lua(
      [[vim.ui.select = function(items, _, go) choices = items go(items[pick]) end pick = 3]]
    )
    child:cmd('AgorStart dem model=big hi')
    equal(child:get('choices[1]'), 'Start demo')
    equal(#child:told('start'), 0)
    child:lua('pick = 1')
    child:cmd('AgorStart dem model=big hi')
    local params = child:wait_told('start')
    equal({ params.provider, params.model, params.prompt.text }, { 'demo', 'big', 'hi' })
    child:lua('pick = 2')
    child:cmd('AgorStart dem model=big hi')
    equal(child:wait_told('start', 2).prompt.text, 'dem model=big hi')
  end
)

return T
