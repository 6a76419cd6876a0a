/** A suite in the validator's own language, with cases of our own. */
export const ownSuite = `<?xml version="1.0" encoding="utf-8"?>
<WopiValidation>
  <Resources>
    <!-- no document is behind these -->
    <File Id="Letter" Name="Letter.odt" FilePath="some/Letter.odt" />
    <File Id="Empty" Name="ZeroByteFile.wopitest" FilePath="some/ZeroByteFile.wopitest" />
  </Resources>
  <PrereqCases>
    <TestCase Name="IsNew" Category="WopiCore">
      <Requests><CheckFileInfo><Validators><JsonResponseContentValidator>
        <BooleanProperty Name="IsNew" ExpectedValue="true" IsRequired="true" />
      </JsonResponseContentValidator></Validators></CheckFileInfo></Requests>
    </TestCase>
  </PrereqCases>
  <TestGroup Name="Writing">
    <PrereqTests><PrereqTest>IsNew</PrereqTest></PrereqTests>
    <TestCases>
      <TestCase Name="WritesTwice" Category="OfficeOnline">
        <Requests>
          <PutFile Lock="A" ResourceId="Letter">
            <SaveState><State Name="First" Source="X-WOPI-ItemVersion" SourceType="Header" /></SaveState>
          </PutFile>
          <PutFile Lock="A" ResourceId="Empty">
            <Validators>
              <ResponseHeaderValidator Header="X-WOPI-ItemVersion" ExpectedStateKey="First" ShouldMatch="false" />
            </Validators>
          </PutFile>
        </Requests>
        <CleanupRequests><Unlock Lock="A" /><DeleteFile OverrideUrl="$State:Copy" /></CleanupRequests>
      </TestCase>
      <TestCase Name="SavesACopy" Category="WopiCore">
        <Requests>
          <PutRelativeFile PutRelativeFileMode="Suggested" Name="copy.odt" ResourceId="Letter">
            <SaveState><State Name="Copy" Source="Made[-1:].Url" /></SaveState>
          </PutRelativeFile>
          <CheckFileInfo OverrideUrl="$State:Copy" />
        </Requests>
        <CleanupRequests><DeleteFile OverrideUrl="$State:Copy" /></CleanupRequests>
      </TestCase>
      <TestCase Name="Dances" Category="WopiCore"><Requests><Dance /></Requests></TestCase>
      <TestCase Name="Phones" Category="OfficeNativeClient"><Requests><CheckFileInfo /></Requests></TestCase>
    </TestCases>
  </TestGroup>
  <TestGroup Name="Phones">
    <TestCases><TestCase Name="Rings" Category="OfficeNativeClient"><Requests><GetFile /></Requests></TestCase></TestCases>
  </TestGroup>
</WopiValidation>`;
